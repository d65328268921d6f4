import { PacketStream, type PacketStreamParts } from "./packet_stream.ts";

/** Bytes that are on their way or unread in one direction before a writer has to wait. */
const WINDOW_BYTES = 256 * 1024;
/** Most bytes of a packet. */
const PACKET_BYTES = 64 * 1024;

/** Bytes of a writer that waits for room in the window. */
interface WaitingWrite {
  readonly bytes: Uint8Array;
  /** Number of bytes that have been sent. */
  at: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Sending half of an end of a connection: the writers, and the window that they wait for. */
export class Sender {
  readonly #parts: PacketStreamParts;
  readonly #packets: PacketStream;
  readonly #waiting: WaitingWrite[] = [];
  #inWindow = 0;
  #isUpdateOnWay = false;
  #hasEnded = false;
  #isGone = false;

  /** Creates a sender between two processes. */
  constructor(parts: PacketStreamParts) {
    this.#parts = parts;
    this.#packets = new PacketStream(parts);
  }

  /** True once the stream was ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** True if all that was written has been given to the link. */
  get isFlushed(): boolean {
    return this.#waiting.length === 0 && this.#packets.isFlushed;
  }

  /** True if nothing of it is on its way or waits. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#packets.isIdle;
  }

  /** Begins the stream at the other end. */
  begin(): void {
    this.#packets.send("begin");
  }

  /** Writes bytes; resolves once all of them fit into the window. */
  write(bytes: Uint8Array): Promise<void> {
    const at = this.#waiting.length === 0 ? this.#accept(bytes, 0) : 0;
    if (at === bytes.length) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, at, resolve, reject });
      if (!this.#packets.isWayOpen) this.#packets.struggle();
    });
  }

  /** Ends the stream after what has been accepted. */
  end(): void {
    if (this.#hasEnded || this.#isGone) return;
    this.#hasEnded = true;
    this.#packets.send("end");
  }

  /** Notes that the process has closed its end. Its machine sends what is left, for a while. */
  orphan(): void {
    this.#waiting.length = 0;
    this.#packets.orphan();
  }

  /** Breaks the connection off at the other end. Returns false if the packet cannot pass. */
  reset(): boolean {
    return this.#packets.reset();
  }

  /** Rejects the writers that wait, in a turn of theirs. */
  rejectWriters(error: () => Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error());
  }

  /** Forgets the connection. */
  drop(): void {
    this.#isGone = true;
    this.#packets.drop();
  }

  /** Notes that the receiver has taken bytes out of its buffer. */
  taken(count: number): void {
    this.#inWindow -= count;
    // Only a writer that waits has to hear of the room.
    if (this.#waiting.length > 0) this.#updateWindow();
  }

  /** Acknowledges all packets that have arrived. */
  acknowledge(): void {
    if (this.#packets.acknowledge() && this.#waiting.length > 0) this.#updateWindow();
  }

  /** Notes that a packet has arrived to which no answer comes. */
  unanswered(): void {
    this.#packets.struggle();
  }

  /** Notes that a link or the power of a machine has changed. */
  reconsider(): void {
    this.#packets.reconsider();
    // A machine whose writer waits asks for room, and expects an answer.
    if (this.#waiting.length > 0 && !this.#packets.isWayOpen) this.#packets.struggle();
  }

  /** Sends bytes from a position on as far as they fit, and returns the next position. */
  #accept(bytes: Uint8Array, from: number): number {
    for (let at = from;;) {
      const length = Math.min(PACKET_BYTES, bytes.length - at);
      if (length === 0 || this.#inWindow + length > WINDOW_BYTES) return at;
      this.#inWindow += length;
      this.#packets.send(bytes.slice(at, at + length));
      at += length;
    }
  }

  #updateWindow(): void {
    const { network, from } = this.#parts;
    const { back } = this.#packets;
    if (this.#isUpdateOnWay || this.#isGone) return;
    if (!back.passes) return this.#packets.struggle();
    this.#isUpdateOnWay = true;
    const admit = () => this.#admitWriters();
    network.scheduler.after(back.delay(network.random), admit, { actor: from, onPaused: admit });
  }

  #admitWriters(): void {
    this.#isUpdateOnWay = false;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      first.at = this.#accept(first.bytes, first.at);
      if (first.at < first.bytes.length) return;
      this.#waiting.shift();
      this.#parts.network.inTurnOf(this.#parts.from, first.resolve);
    }
  }
}
