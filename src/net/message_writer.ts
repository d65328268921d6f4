import { loadEncoder, needsEncoder } from "../wire/cbor.ts";
import type { Message } from "../wire/messages.ts";
import type { Ending } from "./ending.ts";
import { lengthOf, outgoingPieces, releasePieces, type SharedMessage } from "./outgoing_frame.ts";
import type { Channel } from "./transport.ts";

const NOTHING = new Uint8Array(0);

/** Writer of a connection's messages, one after the other. */
export class MessageWriter {
  readonly #channel: Channel;
  readonly #ending: Ending;
  readonly #onSent: () => void;
  #written: Promise<void> = Promise.resolve();
  #pending = 0;
  #bytesSent = 0;

  /** Writes to a channel. `onSent` is called after each message. */
  constructor(channel: Channel, ending: Ending, onSent: () => void) {
    this.#channel = channel;
    this.#ending = ending;
    this.#onSent = onSent;
  }

  /** Ends with the last message so far. */
  get written(): Promise<void> {
    return this.#written;
  }

  /** True while messages wait to be written. */
  get isWriting(): boolean {
    return this.#pending > 0;
  }

  /** Bytes sent so far. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Sends a message after those before it. */
  send(message: Message | SharedMessage): Promise<void> {
    if (this.#pending++ === 0) return this.#written = this.#write(message);
    const write = () => this.#write(message);
    return this.#written = this.#written.then(write, write);
  }

  // Not an asynchronous function, which would leave twice as much garbage for each message.
  #write(message: Message | SharedMessage): Promise<void> {
    let pieces: readonly Uint8Array<ArrayBuffer>[] = [];
    const fail = (error: unknown): never => {
      this.#end(message, pieces);
      throw this.#ending.failure ?? error;
    };
    try {
      this.#ending.check();
      if (needsEncoder(message.payload)) {
        return loadEncoder().then(() => this.#write(message), fail);
      }
      pieces = outgoingPieces(message);
      return this.#writePieces(pieces).then(() => {
        this.#bytesSent += lengthOf(pieces);
        this.#onSent();
        this.#end(message, pieces);
      }, fail);
    } catch (error) {
      this.#end(message, pieces);
      return Promise.reject(this.#ending.failure ?? error);
    }
  }

  #end(message: Message | SharedMessage, pieces: readonly Uint8Array<ArrayBuffer>[]): void {
    releasePieces(message, pieces);
    this.#pending--;
  }

  #writePieces(pieces: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    const [first = NOTHING] = pieces;
    return pieces.length === 1 ? this.#channel.write(first) : this.#writeEach(pieces);
  }

  async #writeEach(pieces: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    // An iterator would be kept for each write that waits.
    for (let i = 0; i < pieces.length; i++) await this.#channel.write(pieces[i] ?? NOTHING);
  }
}
