import { ConnectionClosedError } from "../../base/errors.ts";
import type { Channel } from "../../net/transport.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import { Receiver } from "./receiver.ts";
import type { Packet } from "./packet_stream.ts";
import { Sender } from "./sender.ts";
import type { EndTap } from "./tap.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Errors of sockets in the words of Deno on Linux. */
const RESET = "Connection reset by peer (os error 104)";
const BROKEN_PIPE = "Broken pipe (os error 32)";
const TIMED_OUT = "Connection timed out (os error 110)";
const CLOSED_HERE = "it was closed on this side";

/** Surroundings of an end. */
export interface VirtualChannelParts {
  readonly network: VirtualNetwork;
  /** Process that the end belongs to. */
  readonly process: VirtualProcess;
  /** Process at the other end. */
  readonly peer: VirtualProcess;
  readonly remote: string;
  /** Observer of this end, if there is one. */
  readonly tap: EndTap | undefined;
  /** Returns the other end. */
  readonly other: () => VirtualChannel;
  /** Called when the stream from the other end begins. Returns false if nobody takes it. */
  readonly onBegin: () => boolean;
  /** Called when the end may be over. */
  readonly onChange: () => void;
}

/**
 * End of a connection: the socket that the machine keeps, and the channel of its process. Packets
 * arrive whatever the process does; its promises settle in its turns.
 */
export class VirtualChannel implements Channel, Disposable {
  readonly remote: string;
  readonly #parts: VirtualChannelParts;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  /** Error of the connection, which the first call after it is told. */
  #error: string | undefined;
  #isClosed = false;
  #isGone = false;
  #isWaking = false;

  /** Creates an open end. */
  constructor(parts: VirtualChannelParts) {
    const { network, process, peer, other, remote } = parts;
    this.#parts = parts;
    this.remote = remote;
    this.#receiver = new Receiver({
      onTaken: (count) => other().#sender.taken(count),
      takeError: () => this.#takeError(),
    });
    this.#sender = new Sender({
      network,
      ...{ from: process, to: peer },
      deliver: (packet) => other().#arrive(packet),
      deliverReset: () => other().#breakOff(),
      onGiveUp: () => this.#giveUp(),
    });
  }

  /** Name among what a process has left open. */
  toString(): string {
    return `the connection to ${this.remote}`;
  }

  /** Machine of the process. */
  get machine(): VirtualProcess["machine"] {
    return this.#parts.process.machine;
  }

  /** True while the process may use it. */
  get isOpen(): boolean {
    return !this.#isClosed && !this.#isGone;
  }

  /** True if its machine has nothing more to do for it. */
  get isOver(): boolean {
    return !this.isOpen && this.#sender.isIdle;
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    return this.#isClosed ? Promise.reject(this.#lost(CLOSED_HERE)) : this.#receiver.read(into);
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#lost(CLOSED_HERE));
    const error = this.#takeError();
    if (error !== undefined) return Promise.reject(error);
    if (this.#isGone || this.#sender.hasEnded) return Promise.reject(this.#lost(BROKEN_PIPE));
    this.#parts.tap?.written(bytes);
    return this.#sender.write(bytes);
  }

  closeWrite(): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#lost(CLOSED_HERE));
    this.#sender.rejectWriters(() => this.#lost(BROKEN_PIPE));
    this.#sender.end();
    return Promise.resolve();
  }

  /** Closes it as Deno does, which shuts it down before. */
  close(): void {
    if (this.#isClosed) return;
    this.#parts.tap?.ended("closed");
    this.#parts.process.disown(this);
    if (this.#sender.isFlushed) this.#sender.end();
    this.#receiver.reject(this.#lost(CLOSED_HERE));
    this.#sender.rejectWriters(() => this.#lost(CLOSED_HERE));
    this[Symbol.dispose]();
  }

  /** Closes it as an operating system does for a process that has ended. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#parts.tap?.ended("ended");
    this.#isClosed = true;
    this.#sender.orphan();
    if (!this.machine.isOn) this.vanish();
    else if (this.#receiver.hasUnread) this.abandon();
    else this.#sender.end();
    this.#parts.onChange();
  }

  /** Begins the stream to the other end, which gives the channel to its process. */
  begin(): void {
    this.#parts.process.own(this);
    this.#sender.begin();
  }

  /** Gives the channel to its process. */
  accept(): void {
    this.#parts.process.own(this);
  }

  /** Breaks the connection off. Returns false if the other end cannot be told. */
  abandon(): boolean {
    const isTold = this.#sender.reset();
    this.vanish();
    return isTold;
  }

  /** Forgets the connection, as a machine does that loses its power. */
  vanish(): void {
    this.#isGone = true;
    this.#sender.drop();
    this.#parts.onChange();
  }

  /** Takes the packet of a device on the way that breaks the connection off. */
  reset(): void {
    this.#breakOff();
  }

  /** Notes that a link or the power of a machine has changed. */
  reconsider(): void {
    if (!this.#isGone) this.#sender.reconsider();
  }

  #arrive(packet: Packet): void {
    const from = this.#parts.other().#sender;
    if (this.#isGone || (this.#isClosed && typeof packet !== "string")) {
      if (!this.abandon()) from.unanswered();
      return;
    }
    if (packet === "begin") {
      if (!this.#parts.onBegin()) return void this.abandon();
    } else if (packet === "end") {
      this.#parts.tap?.ended("peer closed");
      this.#receiver.end();
    } else if (packet !== "probe") {
      this.#parts.tap?.arrived(packet.length);
      this.#receiver.add(packet);
    }
    from.acknowledge();
    this.#wake();
    if (packet === "end") this.#parts.onChange();
  }

  #breakOff(): void {
    if (this.machine.isOn) this.#fail(this.#receiver.isAtEnd ? BROKEN_PIPE : RESET);
  }

  #giveUp(): void {
    this.#parts.network.tell(
      this.#parts.process.name,
      `gives up a connection to ${this.#parts.peer.machine.name}`,
    );
    this.#fail(TIMED_OUT);
  }

  #fail(words: string): void {
    if (this.#isGone) return;
    this.#parts.tap?.ended("lost");
    this.#error = words;
    this.#receiver.stop();
    this.vanish();
    this.#wake();
  }

  /** Settles what waits, in a turn of the process. A reader is told of an error before a writer. */
  #wake(): void {
    if (this.#isWaking || this.#isClosed) return;
    if (!this.#receiver.isPending && !this.#isGone) return;
    const { network, process } = this.#parts;
    this.#isWaking = true;
    network.inTurnOf(process, () => {
      this.#isWaking = false;
      this.#receiver.serve();
      if (this.#isGone) {
        this.#sender.rejectWriters(() => this.#takeError() ?? this.#lost(BROKEN_PIPE));
      }
    });
  }

  #takeError(): Error | undefined {
    const words = this.#error;
    this.#error = undefined;
    return words === undefined ? undefined : this.#lost(words);
  }

  #lost(why: string): Error {
    return new ConnectionClosedError(`Lost the connection to ${this.remote}: ${why}`);
  }
}
