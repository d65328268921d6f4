import { ChunkQueue } from "../../net/chunk_queue.ts";
import type { Machine } from "../machine.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import { delayOf } from "./link.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Bytes that are on their way or unread in one direction before a writer has to wait. */
const WINDOW_BYTES = 256 * 1024;

/** Bytes on their way, or the end of the stream. */
type Packet = Uint8Array | "end";

/** Writer that waits for its bytes to fit into the window. */
interface WaitingWrite {
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Processes and events of a direction. */
export interface StreamParts {
  readonly network: VirtualNetwork;
  readonly from: VirtualProcess;
  readonly to: VirtualProcess;
  /** Called when a packet comes to an end that takes nothing, or to no process at all. */
  readonly onRefused: () => void;
}

/**
 * One direction of a connection, as TCP keeps it: in order, with a window, and with packets that
 * are sent again while the link is cut.
 */
export class Stream {
  readonly #parts: StreamParts;
  readonly #unread = new ChunkQueue<undefined>();
  readonly #waiting: WaitingWrite[] = [];
  /** Packets that wait for the link to come back. */
  readonly #stuck: Packet[] = [];
  #inWindow = 0;
  /** Time at which the last packet arrives; no later one overtakes it. */
  #lastArrival = 0;
  /** Time at which the link has sent all that was given to it. */
  #linkFree = 0;
  #hasEnded = false;
  #isAtEnd = false;
  #takesNothing = false;
  #writeError: Error | undefined;
  #readError: Error | undefined;
  #wakeReader: (() => void) | undefined;

  /** Creates a direction from one process to another. */
  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  /** Machines at its ends. */
  get machines(): { readonly from: Machine; readonly to: Machine } {
    return { from: this.#parts.from.machine, to: this.#parts.to.machine };
  }

  /** Writes bytes; resolves once they fit into the window. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#writeError !== undefined) return Promise.reject(this.#writeError);
    const copy = bytes.slice();
    if (this.#waiting.length === 0 && this.#fits(copy.length)) {
      this.#send(copy);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes: copy, resolve, reject });
    });
  }

  /** Reads what has arrived; resolves with `null` at the end of the stream. */
  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#readError !== undefined) throw this.#readError;
      if (!this.#unread.isEmpty) return this.#take(into);
      if (this.#isAtEnd) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = resolve;
      await promise;
    }
  }

  /** Ends the stream after what was written. */
  end(): void {
    if (this.#hasEnded || this.#writeError !== undefined) return;
    this.#hasEnded = true;
    this.#transmit("end");
  }

  /** Lets each packet that arrives from now on be refused. */
  takeNothing(): void {
    this.#takesNothing = true;
  }

  /** Tells the writer that it cannot write, in a turn of it. Packets that wait are lost. */
  failWriter(error: Error): void {
    this.#writeError ??= error;
    this.#stuck.length = 0;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#writeError);
  }

  /** Tells the reader that the connection is lost, in a turn of it. */
  failReader(error: Error): void {
    this.#readError ??= error;
    this.#unread.clear();
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  /** Sends again what waited for the link. */
  retransmit(): void {
    for (const packet of this.#stuck.splice(0)) this.#transmit(packet);
  }

  #take(into: Uint8Array): number {
    const { network, from, to } = this.#parts;
    const count = this.#unread.take(into);
    const wasFull = this.#waiting.length > 0;
    this.#inWindow -= count;
    // Only a writer that waits has to hear of the room.
    if (wasFull) network.deliver(to, from, () => this.#admitWriters());
    return count;
  }

  #fits(length: number): boolean {
    return this.#inWindow === 0 || this.#inWindow + length <= WINDOW_BYTES;
  }

  #admitWriters(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (!this.#fits(first.bytes.length)) return;
      this.#waiting.shift();
      this.#send(first.bytes);
      first.resolve();
    }
  }

  #send(bytes: Uint8Array): void {
    this.#inWindow += bytes.length;
    this.#transmit(bytes);
  }

  #transmit(packet: Packet): void {
    const { network, from, to, onRefused } = this.#parts;
    const { now, random } = network;
    if (!from.machine.isOn) return;
    const link = network.link(from.machine.name, to.machine.name);
    if (link.isCut || !to.machine.isOn || this.#stuck.length > 0) return this.#holdBack(packet);
    const length = packet === "end" ? 0 : packet.length;
    this.#linkFree = Math.max(now, this.#linkFree) + 1000 * length / link.bytesPerSecond;
    this.#lastArrival = Math.max(this.#lastArrival, this.#linkFree + delayOf(link, random));
    network.scheduler.after(this.#lastArrival - now, () => {
      if (this.#takesNothing) onRefused();
      else this.#receive(packet);
    }, { actor: to, onGone: () => to.machine.isOn ? onRefused() : this.#holdBack(packet) });
  }

  #holdBack(packet: Packet): void {
    this.#stuck.push(packet);
    if (this.#stuck.length === 1) this.#parts.network.holdBack(this);
  }

  #receive(packet: Packet): void {
    if (packet === "end") this.#isAtEnd = true;
    else this.#unread.add(packet, undefined);
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }
}
