import { ConnectionClosedError, DeadlineError } from "../../errors.ts";
import type { Channel } from "../transport.ts";
import { Credit } from "./_credit.ts";
import { FrameReader } from "./_frame_reader.ts";
import { FrameWriter } from "./_frame_writer.ts";
import { CloseCode } from "./_message.ts";

/** How long the other side has to end the connection once both have closed the WebSocket. */
const LINGER_SECONDS = 1;

/** What still comes then is thrown away, up to so many bytes; a peer that goes on for longer does not listen anyway. */
const MOST_DISCARDED_BYTES = 1024 * 1024, DISCARD_BYTES = 16 * 1024;

/** Makes a WebSocket of a channel: resolves with what was read past the handshake. */
export type Handshake = (channel: Channel) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * The server's end of a WebSocket over a channel: the stream of bytes that the peer and this side send each other in messages.
 *
 * It is there from the moment that the channel is accepted, so that whoever counts and times connections does so from then on; the handshake goes on by
 * itself, and the first read and write wait for it. Nothing is read that nobody waits for.
 */
export class FramedChannel implements Channel {
  readonly remote: string;
  readonly #channel: Channel;
  readonly #credit = new Credit();
  readonly #writer: FrameWriter;
  /** Reads once the handshake is done. */
  readonly #opened: Promise<FrameReader>;
  /** What is coming in now; there is one at a time. */
  #advancing: Promise<number> | undefined;
  #leaving: Promise<void> | undefined;
  #listening = false;
  #hasEnded = false;
  #isClosed = false;
  #lost: Error | undefined;

  /** Takes over a channel that was accepted, and begins the handshake, which is given up after `handshakeSeconds`. */
  constructor(channel: Channel, handshake: Handshake, handshakeSeconds: number) {
    this.remote = channel.remote;
    this.#channel = channel;
    this.#writer = new FrameWriter(channel);
    this.#opened = this.#open(handshake, handshakeSeconds);
    // Whoever reads or writes hears of it.
    this.#opened.catch(() => {});
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const reader = await this.#opened;
    for (;;) {
      if (this.#isClosed) throw this.#closedHere();
      let count = reader.takeQueued(into);
      if (count === 0) {
        if (reader.peerHasEnded || reader.isOver || reader.fault !== undefined) {
          return await this.#endOf(reader);
        }
        if (this.#lost !== undefined) throw this.#lost;
        count = await this.#advance(reader, into);
      }
      if (count === 0) continue;
      if (this.#credit.owes(reader.takePrompt())) this.#writer.grant(() => this.#credit.grant());
      return count;
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const reader = await this.#opened;
    for (let at = 0; at < bytes.length;) {
      this.#checkWritable();
      const length = Math.min(bytes.length - at, this.#credit.mostData);
      if (!this.#credit.allows(length)) {
        if (reader.fault !== undefined) throw reader.fault;
        // The grant is among what comes in, which may be more than is read now.
        await this.#advance(reader);
        continue;
      }
      this.#credit.spend(length);
      await this.#writer.data(() => this.#credit.grant(), bytes.subarray(at, at + length));
      at += length;
    }
  }

  async closeWrite(): Promise<void> {
    await this.#opened;
    if (this.#hasEnded) return;
    this.#checkWritable();
    this.#hasEnded = true;
    await this.#writer.end();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.close();
    this.#opened.then((reader) => reader.clear(), () => {});
  }

  async #open(handshake: Handshake, seconds: number): Promise<FrameReader> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#channel.close();
    }, seconds * 1000);
    try {
      const ahead = await handshake(this.#channel);
      return new FrameReader(this.#channel, {
        credit: this.#credit,
        ahead,
        onPing: (payload) => this.#writer.pong(payload),
      });
    } catch (error) {
      this.#channel.close();
      if (!isLate) throw error;
      throw new DeadlineError(
        `Lost the connection to ${this.remote}: it did not finish its HTTP request within ${seconds} seconds`,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets something come in: for the caller, or, where that goes on already, for the one that it was begun for. */
  async #advance(reader: FrameReader, into?: Uint8Array<ArrayBuffer>): Promise<number> {
    if (this.#advancing !== undefined) {
      await this.#advancing.catch(() => {});
      return 0;
    }
    try {
      return await (this.#advancing = reader.advance(into));
    } catch (error) {
      if (error !== reader.fault) this.#lost ??= error as Error;
      throw error;
    } finally {
      this.#advancing = undefined;
      if (reader.isOver) this.#leave(reader);
    }
  }

  /** What a read gives when no data are to come any more. */
  async #endOf(reader: FrameReader): Promise<null> {
    const isOver = reader.isOver || this.#hasEnded;
    if (isOver) await this.#leave(reader);
    else if (reader.fault === undefined) this.#listenOn(reader);
    if (reader.fault !== undefined) throw reader.fault;
    if (reader.peerHasEnded) return null;
    throw this.#lost ?? this.#closedThere();
  }

  /** The peer has said its last word, and this side has not: grants and the end are still heard. */
  async #listenOn(reader: FrameReader): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    try {
      while (!reader.isOver && this.#leaving === undefined) await this.#advance(reader);
    } catch { /* whoever reads or writes hears of it */ }
  }

  /** Closes the WebSocket, and then the channel once the peer has closed it, too, or for long enough did not. Never rejects. */
  #leave(reader: FrameReader): Promise<void> {
    return this.#leaving ??= this.#takeLeave(reader);
  }

  async #takeLeave(reader: FrameReader): Promise<void> {
    const timer = setTimeout(() => this.#channel.close(), LINGER_SECONDS * 1000);
    try {
      await this.#writer.close(
        reader.fault?.closeCode ?? (reader.isOver ? reader.closeCode : CloseCode.Normal),
      );
      await this.#channel.closeWrite();
      await this.#advancing?.catch(() => {});
      // A channel that is closed over unread bytes would take back what was sent last.
      const bin = new Uint8Array(DISCARD_BYTES);
      for (let left = MOST_DISCARDED_BYTES; left > 0;) {
        const got = await this.#channel.read(bin);
        if (got === null) break;
        left -= got;
      }
    } catch { /* it is closed all the same */ }
    clearTimeout(timer);
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
