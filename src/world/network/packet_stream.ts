import type { WorldEvent } from "../event_queue.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import type { Link } from "./link.ts";
import { Retransmission } from "./retransmission.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Bytes on their way, the beginning or end of a stream, or a question for an answer. */
export type Packet = Uint8Array | "begin" | "end" | "probe";

/** Packet that has been given to the link. */
interface Flight {
  readonly packet: Packet;
  /** Time at which it has left its machine. */
  readonly departs: number;
  readonly arrival: WorldEvent;
}

/** Surroundings of a stream of packets. */
export interface PacketStreamParts {
  readonly network: VirtualNetwork;
  readonly from: VirtualProcess;
  readonly to: VirtualProcess;
  /** Takes a packet at the other end. */
  readonly deliver: (packet: Packet) => void;
  /** Takes the packet that breaks the connection off at the other end. */
  readonly deliverReset: () => void;
  /** Called when no answer has come for too long. */
  readonly onGiveUp: () => void;
}

/**
 * Packets of one direction of a connection, as TCP sends them: they arrive in order, and are sent
 * again until they are acknowledged.
 *
 * An acknowledgement that arrives is no event of the world. One that does not makes the sender
 * send again.
 */
export class PacketStream {
  /** The link to the other machine. */
  readonly link: Link;
  /** The link from the other machine. */
  readonly back: Link;
  readonly #parts: PacketStreamParts;
  /** Packets on their way, in order. */
  readonly #flight: Flight[] = [];
  /** Packets that were lost or wait for those, in order. */
  readonly #held: Packet[] = [];
  /** Time at which the last packet arrives; no later one overtakes it. */
  #lastArrival = 0;
  #retransmission: Retransmission | undefined;
  /** Set once the retransmission has sent the first packet. */
  #isFirstSent = false;
  #isOrphan = false;
  #isGone = false;

  /** Creates a stream between two processes. */
  constructor(parts: PacketStreamParts) {
    const { network: { links }, from, to } = parts;
    this.#parts = parts;
    this.link = links.of(from.machine.name, to.machine.name);
    this.back = links.of(to.machine.name, from.machine.name);
  }

  /** True if all packets have been given to the link, and none has to be sent again. */
  get isFlushed(): boolean {
    return this.#held.length === 0 && this.#retransmission === undefined;
  }

  /** True if no packet is on its way or waits. */
  get isIdle(): boolean {
    return this.#flight.length === 0 && (this.#isGone || this.isFlushed);
  }

  /** True if packets and their acknowledgements pass. */
  get isWayOpen(): boolean {
    return this.#canReach && this.back.passes;
  }

  get #canReach(): boolean {
    return this.link.passes && this.#parts.to.machine.isOn;
  }

  /** Sends a packet after those before it. */
  send(packet: Packet): void {
    const isHeld = this.#held.length > 0 || !this.link.passes || this.#retransmission?.hasBegun;
    if (!isHeld) return this.#launch(packet);
    this.#held.push(packet);
    this.struggle();
  }

  /** Breaks the connection off at the other end. Returns false if the packet cannot pass. */
  reset(): boolean {
    const { network: { now, random, scheduler }, to, from, deliverReset } = this.#parts;
    if (!this.link.passes || !from.machine.isOn) return false;
    const arrival = this.link.departure(now, 0) + this.link.delay(random);
    this.#lastArrival = Math.max(this.#lastArrival, arrival);
    scheduler.after(this.#lastArrival - now, deliverReset, {
      ...{ actor: to, onPaused: deliverReset, onGone: deliverReset },
    });
    return true;
  }

  /** Notes that the process has closed its end: its machine does not send again for long. */
  orphan(): void {
    this.#isOrphan = true;
    this.#retransmission?.orphan();
  }

  /** Forgets the connection. What has left its machine arrives all the same. */
  drop(): void {
    this.#isGone = true;
    this.#held.length = 0;
    this.#retransmission?.stop();
    this.#retransmission = undefined;
    if (!this.#parts.from.machine.isOn) this.#recall();
  }

  /** Acknowledges all packets so far. Returns false if the sender does not hear of it. */
  acknowledge(): boolean {
    if (!this.back.passes) {
      this.struggle();
      return false;
    }
    if (this.#retransmission === undefined) return true;
    this.#retransmission.stop();
    this.#retransmission = undefined;
    this.#isFirstSent = false;
    for (const packet of this.#held.splice(0)) this.send(packet);
    return true;
  }

  /** Waits for an answer that does not come by itself. */
  struggle(): void {
    if (this.#isGone || this.#retransmission !== undefined) return;
    const { network, onGiveUp } = this.#parts;
    this.#retransmission = new Retransmission(
      { network, retry: () => this.#retry(), giveUp: onGiveUp },
      this.#isOrphan,
    );
    // A packet may have been lost on a way that is open again.
    if (this.isWayOpen) this.#retransmission.resume();
  }

  /** Notes that a link or the power of a machine has changed. */
  reconsider(): void {
    if (!this.link.passes) {
      this.link.clearQueue(this.#parts.network.now);
      const lost = this.#recall();
      this.#held.unshift(...lost);
      if (lost.length > 0) this.struggle();
    } else if (this.#canReach) this.#retransmission?.resume();
  }

  #launch(packet: Packet): void {
    const { network: { now, random, scheduler }, to } = this.#parts;
    const departs = this.link.departure(now, typeof packet === "string" ? 0 : packet.length);
    this.#lastArrival = Math.max(this.#lastArrival, departs + this.link.delay(random));
    const arrive = () => this.#arrive();
    const arrival = scheduler.after(this.#lastArrival - now, arrive, {
      ...{ actor: to, onPaused: arrive, onGone: arrive },
    });
    this.#flight.push({ packet, departs, arrival });
  }

  #arrive(): void {
    const packet = this.#flight.shift()?.packet;
    if (packet === undefined) return;
    if (this.#parts.to.machine.isOn) return this.#parts.deliver(packet);
    if (this.#isGone) return;
    const later = this.#flight.splice(0);
    for (const { arrival } of later) this.#parts.network.scheduler.cancel(arrival);
    this.#held.unshift(packet, ...later.map(({ packet }) => packet));
    this.struggle();
  }

  /** Takes back the packets that have not left, and returns them. */
  #recall(): Packet[] {
    const { now, scheduler } = this.#parts.network;
    const first = this.#flight.findIndex(({ departs }) => departs > now);
    if (first < 0) return [];
    const recalled = this.#flight.splice(first);
    for (const { arrival } of recalled) scheduler.cancel(arrival);
    return this.#isGone ? [] : recalled.map(({ packet }) => packet);
  }

  #retry(): void {
    if (!this.#canReach) return;
    // While no answer can come, the first packet is sent again and again.
    const count = this.back.passes ? this.#held.length : this.#isFirstSent ? 0 : 1;
    const packets = this.#held.splice(0, count);
    this.#isFirstSent = true;
    for (const packet of packets.length > 0 ? packets : ["probe" as const]) this.#launch(packet);
  }
}
