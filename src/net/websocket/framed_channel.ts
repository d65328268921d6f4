import { runtime } from "../../base/runtime/runtime.ts";
import type { Deadlines } from "../../base/time/deadlines.ts";
import { ConnectionClosedError, DeadlineError } from "../../base/errors.ts";
import { discard } from "../discard.ts";
import type { Channel } from "../transport.ts";
import { Credit } from "./credit.ts";
import { FrameReader } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import { CloseCode } from "./message.ts";

/** Time in seconds for the other side to end the connection once both have closed the WebSocket. */
const LINGER_SECONDS = 1;

/** Most bytes that are discarded meanwhile; a peer that sends more does not listen anyway. */
const MOST_DISCARDED_BYTES = 1024 * 1024;

/** Parts of a WebSocket that exist only once its request was accepted. */
interface Opened {
  readonly reader: FrameReader;
  readonly writer: FrameWriter;
  readonly credit: Credit;
}

/** Makes a WebSocket of a channel: resolves with what was read past the handshake. */
export type Handshake = (channel: Channel) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Server's end of a WebSocket over a channel: a stream of bytes in messages.
 *
 * It exists from the moment that the channel is accepted, so that limits and time-outs of
 * connections apply from then on. The handshake runs by itself; the first read and write wait for
 * it. Nothing is read unless a call waits for it.
 */
export class FramedChannel implements Channel {
  readonly remote: string;
  readonly #channel: Channel;
  /** Parts that exist once the handshake is done. */
  readonly #opened: Promise<Opened>;
  /** Read in progress; there is one at a time. */
  #advancing: Promise<number> | undefined;
  #leaving: Promise<void> | undefined;
  #listening = false;
  #hasEnded = false;
  #isClosed = false;
  #lost: Error | undefined;

  /**
   * Takes over a channel that was accepted, and begins the handshake, which is given up at its
   * deadline.
   */
  constructor(channel: Channel, handshake: Handshake, deadlines: Deadlines) {
    this.remote = channel.remote;
    this.#channel = channel;
    this.#opened = this.#open(handshake, deadlines);
    // Reads and writes reject with it.
    this.#opened.catch(() => {});
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const opened = await this.#opened;
    const { reader, writer, credit } = opened;
    for (;;) {
      if (this.#isClosed) throw this.#closedHere();
      let count = reader.takeQueued(into);
      if (count === 0) {
        if (reader.peerHasEnded || reader.isOver || reader.fault !== undefined) {
          return await this.#endOf(opened);
        }
        if (this.#lost !== undefined) throw this.#lost;
        count = await this.#advance(opened, into);
      }
      if (count === 0) continue;
      if (credit.owes(reader.takePrompt())) writer.grant(() => credit.grant());
      return count;
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const opened = await this.#opened;
    const { reader, writer, credit } = opened;
    for (let at = 0; at < bytes.length;) {
      this.#checkWritable();
      const length = Math.min(bytes.length - at, credit.mostData);
      if (!credit.allows(length)) {
        if (reader.fault !== undefined) throw reader.fault;
        // The grant is among what comes in, which may be more than is read now.
        await this.#advance(opened);
        continue;
      }
      credit.spend(length);
      await writer.data(() => credit.grant(), bytes.subarray(at, at + length));
      at += length;
    }
  }

  async closeWrite(): Promise<void> {
    const { writer } = await this.#opened;
    if (this.#hasEnded) return;
    this.#checkWritable();
    this.#hasEnded = true;
    await writer.end();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.close();
    this.#opened.then(({ reader }) => reader.clear(), () => {});
  }

  async #open(handshake: Handshake, deadlines: Deadlines): Promise<Opened> {
    let isLate = false;
    const deadline = deadlines.begin(() => {
      isLate = true;
      this.#channel.close();
    });
    try {
      const ahead = await handshake(this.#channel);
      const writer = new FrameWriter(this.#channel);
      const credit = new Credit();
      const reader = new FrameReader(this.#channel, { credit, ahead, answers: writer });
      return { reader, writer, credit };
    } catch (error) {
      this.#channel.close();
      if (!isLate) throw error;
      throw new DeadlineError(
        `Lost the connection to ${this.remote}: it did not finish its HTTP request within ${deadlines.seconds} seconds`,
      );
    } finally {
      deadlines.end(deadline);
    }
  }

  /**
   * Reads from the channel: for the caller or, if a read is in progress, for the call that began
   * it.
   */
  async #advance(opened: Opened, into?: Uint8Array<ArrayBuffer>): Promise<number> {
    if (this.#advancing !== undefined) {
      await this.#advancing.catch(() => {});
      return 0;
    }
    const { reader } = opened;
    try {
      return await (this.#advancing = reader.advance(into));
    } catch (error) {
      if (error !== reader.fault) this.#lost ??= error as Error;
      throw error;
    } finally {
      this.#advancing = undefined;
      if (reader.isOver) this.#leave(opened);
    }
  }

  /** Returns the result of a read when no more data will arrive. */
  async #endOf(opened: Opened): Promise<null> {
    const { reader } = opened;
    const isOver = reader.isOver || this.#hasEnded;
    if (isOver) await this.#leave(opened);
    else if (reader.fault === undefined) this.#listenOn(opened);
    if (reader.fault !== undefined) throw reader.fault;
    if (reader.peerHasEnded) return null;
    throw this.#lost ?? this.#closedThere();
  }

  /** The peer has said its last word, and this side has not: grants and the end are still heard. */
  async #listenOn(opened: Opened): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    try {
      while (!opened.reader.isOver && this.#leaving === undefined) await this.#advance(opened);
    } catch { /* readers and writers receive the error */ }
  }

  /**
   * Closes the WebSocket, and then the channel once the peer has closed it too, or has not for too
   * long. Never rejects.
   */
  #leave(opened: Opened): Promise<void> {
    return this.#leaving ??= this.#takeLeave(opened);
  }

  async #takeLeave({ reader, writer }: Opened): Promise<void> {
    const timer = runtime.timers.setTimeout(() => this.#channel.close(), LINGER_SECONDS * 1000);
    try {
      await writer.close(
        reader.fault?.closeCode ?? (reader.isOver ? reader.closeCode : CloseCode.Normal),
      );
      await this.#channel.closeWrite();
      await this.#advancing?.catch(() => {});
      // A channel that is closed over unread bytes would discard the alert.
      await discard(this.#channel, MOST_DISCARDED_BYTES);
    } catch { /* it is closed all the same */ }
    runtime.timers.clearTimeout(timer);
    this.#channel.close();
  }

  #checkWritable(): void {
    if (this.#isClosed || this.#hasEnded) throw this.#closedHere();
    if (this.#leaving !== undefined) throw this.#closedThere();
    if (this.#lost !== undefined) throw this.#lost;
  }

  #closedHere(): Error {
    return new ConnectionClosedError(
      `Lost the connection to ${this.remote}: it was closed on this side`,
    );
  }

  #closedThere(): Error {
    return new ConnectionClosedError(
      `Lost the connection to ${this.remote}: the other side closed it`,
    );
  }
}
