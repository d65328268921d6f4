/**
 * Messages over a channel.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { shortened } from "../base/printable.ts";
import { ConnectionClosedError, DeadlineError, ProtocolError } from "../base/errors.ts";
import {
  checkMagic,
  decodeBody,
  decodePrefix,
  DEFAULT_LIMITS,
  encodeFrame,
  type FrameHeader,
  PREFIX_BYTES,
  type WireLimits,
} from "../wire/frame.ts";
import { MOST_MESSAGE_LENGTH } from "../wire/messages/error.ts";
import { isBulk, MessageCode, messageName } from "../wire/message_code.ts";
import type { HeartbeatPayload, Message } from "../wire/messages.ts";
import { discard } from "./discard.ts";
import { SILENT_HEARTBEATS } from "./timeouts.ts";
import type { Channel } from "./transport.ts";

/** Bytes read ahead: a small frame comes in with its prefix, in one read. */
const READ_AHEAD_BYTES = 64 * 1024;
/** As long as a peer has said nothing, it costs no more than this. */
const FIRST_READ_BYTES = 1024;
/** Frames up to this go out in one write. */
const JOINED_WRITE_BYTES = 64 * 1024;
/** What a frame's bytes must come in at, on average, after a grace as long as the silence that is borne. */
const LEAST_BYTES_PER_SECOND = 16 * 1024;

/** How a connection behaves. */
export interface ConnectionOptions {
  /** Limits on what is read. */
  limits?: WireLimits;
  /** Seconds between signs of life, sent and expected. Default: none of either. */
  heartbeatSeconds?: number;
  /** What a sign of life says when it is sent. Default: nothing. */
  heartbeat?: () => HeartbeatPayload;
  /** The first bytes of the peer, at most 1 KiB, if they were read from the channel already. Default: none were. */
  ahead?: Uint8Array<ArrayBuffer>;
}

/** How the next message is received. */
export interface ReceiveOptions {
  /**
   * Says where the body of a message that carries a vector goes: a buffer of at least `bodyLength` bytes that begins at a multiple of 8 in
   * memory; `undefined` refuses the body, which is read and thrown away. Until it resolves nothing more is read, so that the sender has to
   * wait. Default: a new buffer.
   */
  place?: (header: FrameHeader) =>
    | Uint8Array<ArrayBuffer>
    | undefined
    | Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Told what the peer's signs of life say that come before the next message. */
  onHeartbeat?: (payload: HeartbeatPayload) => void;
}

/** What came: the frame's header, and its message unless its body was refused. */
export interface Received {
  /** The frame's header. */
  readonly header: FrameHeader;
  /** The message; `undefined` when `place` refused the body. Its tensors are views on the buffer that `place` gave. */
  readonly message: Message | undefined;
}

/** One peer: sends and receives whole messages, keeps and watches signs of life. */
export class Connection implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #limits: WireLimits;
  readonly #heartbeat: () => HeartbeatPayload;
  #ahead = new Uint8Array(FIRST_READ_BYTES);
  #aheadStart = 0;
  #aheadEnd = 0;
  #writes: Promise<void> = Promise.resolve();
  #pendingWrites = 0;
  #lastSent = runtime.clock.now();
  #waitingSince: number | undefined;
  #reading: Promise<number | null> | undefined;
  /** The frame that has begun to come in: its bytes so far, and how long they were waited for. */
  #incoming: { bytes: number; waitedMillis: number } | undefined;
  #closing = false;
  #closed: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #failure: Error | undefined;
  #bytesSent = 0;
  #bytesReceived = 0;

  /** Takes a channel over. */
  constructor(channel: Channel, options: ConnectionOptions = {}) {
    this.#channel = channel;
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#heartbeat = options.heartbeat ?? (() => ({}));
    const { ahead } = options;
    if (ahead !== undefined) {
      this.#ahead.set(ahead);
      this.#bytesReceived = this.#aheadEnd = ahead.length;
    }
    if (options.heartbeatSeconds !== undefined) this.keepAlive(options.heartbeatSeconds);
  }

  /** The other end, for messages. */
  get remote(): string {
    return this.#channel.remote;
  }

  /** Bytes sent so far. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Bytes received so far. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Bytes of the body of the frame that is coming in. */
  get bodyReceived(): number {
    return this.#incoming?.bytes ?? 0;
  }

  /** Whether it has neither ended nor begun to close. */
  get isOpen(): boolean {
    return this.#failure === undefined && !this.#closing;
  }

  /**
   * Sends a message after those before it. Resolves when its tensors may change again.
   *
   * Rejects with a `ConnectionClosedError`, or with the reason of {@linkcode abort}.
   */
  send(message: Message): Promise<void> {
    this.#pendingWrites++;
    const sent = this.#writes.then(() => this.#write(encodeFrame(message)));
    this.#writes = sent.catch(() => {}).finally(() => this.#pendingWrites--);
    return sent;
  }

  /**
   * The next message that is not a sign of life, or `null` when the peer has closed its side between two frames. One call at a time.
   *
   * Rejects with a `ProtocolError` for a frame that breaks the protocol, a `DeadlineError` when the peer is silent for too long or a frame comes in
   * below 16 KiB a second after a grace of as long (time in which nothing is read does not count), and a `ConnectionClosedError` when the connection is lost or closed; after any of them the connection is of no more use. A `RangeError` tells of a
   * buffer from `place` that is too short or not aligned.
   */
  async receive(options: ReceiveOptions = {}): Promise<Received | null> {
    if (this.#failure !== undefined || this.#closing) throw this.#failure ?? this.#closedHere();
    for (;;) {
      this.#incoming = undefined;
      if (!await this.#fill(PREFIX_BYTES)) return null;
      this.#incoming ??= { bytes: 0, waitedMillis: 0 };
      const prefix = this.#ahead.subarray(this.#aheadStart, this.#aheadStart + PREFIX_BYTES);
      const header = decodePrefix(prefix, this.#limits);
      this.#aheadStart += PREFIX_BYTES;
      const buffer = isBulk(header.code) && options.place !== undefined
        ? await options.place(header)
        : new Uint8Array(header.bodyLength);
      if (buffer === undefined) {
        await this.#skip(header);
        return { header, message: undefined };
      }
      if (buffer.length < header.bodyLength) {
        throw new RangeError(
          `Cannot read ${
            messageName(header.code)
          }: expected a buffer of ${header.bodyLength} bytes, got ${buffer.length}`,
        );
      }
      const body = buffer.subarray(0, header.bodyLength);
      await this.#readBody(header, body);
      const message = decodeBody(header.code, body);
      if (message.code !== MessageCode.Heartbeat) return { header, message };
      options.onHeartbeat?.(message.payload);
    }
  }

  /** Ends the connection at once; what is pending rejects with the reason. A second call does nothing. */
  abort(reason: Error): void {
    this.#failure ??= reason;
    runtime.timers.clearInterval(this.#timer);
    this.#channel.close();
  }

  /** Tells the peer what it did wrong, then closes. Never rejects. */
  async refuse(error: ProtocolError, drainSeconds = 1): Promise<void> {
    const message = shortened(error.message, MOST_MESSAGE_LENGTH);
    const payload = { fault: error.fault, message, fatal: true };
    this.send({ code: MessageCode.Error, payload }).catch(() => {});
    await this.close(drainSeconds);
  }

  /**
   * Closes when everything sent has been written and the peer has closed its side too, or `drainSeconds` have passed: a socket closed over unread
   * bytes would take back what was sent last. A second call waits for the same end. Never rejects.
   */
  close(drainSeconds = 1): Promise<void> {
    return this.#closed ??= this.#close(drainSeconds);
  }

  async #close(drainSeconds: number): Promise<void> {
    if (this.#failure !== undefined) return;
    const timer = runtime.timers.setTimeout(() => this.#channel.close(), drainSeconds * 1000);
    try {
      await this.#writes;
      this.#closing = true;
      await this.#channel.closeWrite();
      // A pending `receive` still gets what its read brings; the bytes after those are for nobody.
      await this.#reading;
      await discard(this.#channel);
    } catch { /* it is closed all the same */ }
    runtime.timers.clearTimeout(timer);
    this.abort(this.#closedHere());
  }

  /** Closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Both halves of liveness, at this interval from now on: says something when nothing was said for a while, and notices when nothing is heard. */
  keepAlive(heartbeatSeconds: number): void {
    if (this.#failure !== undefined) return;
    runtime.timers.clearInterval(this.#timer);
    const intervalMillis = heartbeatSeconds * 1000;
    const silentMillis = intervalMillis * SILENT_HEARTBEATS;
    let lastLook = runtime.clock.now();
    this.#timer = runtime.timers.setInterval(() => {
      const now = runtime.clock.now();
      // So late a timer means that this side was held up: what the peer said meanwhile is there, but not read yet.
      if (now - lastLook > 2 * intervalMillis && this.#waitingSince !== undefined) {
        this.#waitingSince = now;
      }
      lastLook = now;
      if (this.#waitingSince !== undefined && now - this.#waitingSince > silentMillis) {
        this.abort(
          new DeadlineError(
            `Lost the connection to ${this.remote}: nothing heard for ${
              silentMillis / 1000
            } seconds`,
          ),
        );
      } else if (
        this.#incoming !== undefined && this.#waitingSince !== undefined &&
        this.#overdue(now) > silentMillis
      ) {
        this.abort(
          new DeadlineError(
            `Lost the connection to ${this.remote}: ${this.#incoming.bytes} bytes of a frame's body came in ${
              Math.round(this.#waited(now)) / 1000
            } seconds, expected at least ${LEAST_BYTES_PER_SECOND} a second`,
          ),
        );
      } else if (this.#pendingWrites === 0 && now - this.#lastSent >= intervalMillis * 0.9) {
        this.send({ code: MessageCode.Heartbeat, payload: this.#heartbeat() }).catch(() => {});
      }
    }, intervalMillis);
  }

  /** Milliseconds that the frame coming in was waited for. */
  #waited(now: number): number {
    const current = this.#waitingSince === undefined ? 0 : now - this.#waitingSince;
    return (this.#incoming?.waitedMillis ?? 0) + current;
  }

  /** Milliseconds by which the frame coming in is later than its bytes allow. */
  #overdue(now: number): number {
    return this.#waited(now) - (this.#incoming?.bytes ?? 0) / LEAST_BYTES_PER_SECOND * 1000;
  }

  async #write(pieces: Uint8Array<ArrayBuffer>[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    try {
      if (this.#failure !== undefined || this.#closing) throw this.#failure ?? this.#closedHere();
      if (length <= JOINED_WRITE_BYTES && pieces.length > 1) {
        const joined = new Uint8Array(length);
        let at = 0;
        for (const piece of pieces) {
          joined.set(piece, at);
          at += piece.length;
        }
        await this.#channel.write(joined);
      } else {
        for (const piece of pieces) await this.#channel.write(piece);
      }
    } catch (error) {
      throw this.#failure ?? error;
    }
    this.#bytesSent += length;
    this.#lastSent = runtime.clock.now();
  }

  async #read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (this.#failure !== undefined || this.#closing) throw this.#failure ?? this.#closedHere();
    this.#waitingSince = runtime.clock.now();
    try {
      const count = await (this.#reading = this.#channel.read(into));
      this.#bytesReceived += count ?? 0;
      return count;
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      if (this.#incoming !== undefined && this.#waitingSince !== undefined) {
        this.#incoming.waitedMillis += runtime.clock.now() - this.#waitingSince;
      }
      this.#waitingSince = undefined;
      this.#reading = undefined;
    }
  }

  /** Reads ahead until so many bytes are there; false when the peer closed before the first. */
  async #fill(count: number): Promise<boolean> {
    if (this.#aheadStart > 0) {
      this.#ahead.copyWithin(0, this.#aheadStart, this.#aheadEnd);
      this.#aheadEnd -= this.#aheadStart;
      this.#aheadStart = 0;
    }
    if (this.#ahead.length < READ_AHEAD_BYTES && this.#bytesReceived > 0) {
      const ahead = new Uint8Array(READ_AHEAD_BYTES);
      ahead.set(this.#ahead.subarray(0, this.#aheadEnd));
      this.#ahead = ahead;
    }
    while (this.#aheadEnd < count) {
      if (this.#aheadEnd > 0) this.#incoming ??= { bytes: 0, waitedMillis: 0 };
      const got = await this.#read(this.#ahead.subarray(this.#aheadEnd));
      if (got === null) {
        if (this.#aheadEnd === 0) return false;
        if (this.#aheadEnd >= 4) checkMagic(this.#ahead);
        throw this.#truncated(`expected ${count} bytes of a frame's prefix, got ${this.#aheadEnd}`);
      }
      this.#aheadEnd += got;
    }
    return true;
  }

  /** Gives out bytes of the body: first those read ahead, then from the channel. */
  async #body(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const ahead = this.#ahead.subarray(
      this.#aheadStart,
      Math.min(this.#aheadEnd, this.#aheadStart + into.length),
    );
    let got: number | null = ahead.length;
    if (got === 0) got = await this.#read(into);
    else {
      into.set(ahead);
      this.#aheadStart += got;
    }
    if (this.#incoming !== undefined) this.#incoming.bytes += got ?? 0;
    return got;
  }

  async #readBody(header: FrameHeader, body: Uint8Array<ArrayBuffer>): Promise<void> {
    let at = 0;
    while (at < body.length) {
      const got = await this.#body(at === 0 ? body : body.subarray(at));
      if (got === null) throw this.#truncatedBody(header, at);
      at += got;
    }
  }

  async #skip(header: FrameHeader): Promise<void> {
    const bin = new Uint8Array(Math.min(header.bodyLength, READ_AHEAD_BYTES));
    let at = 0;
    while (at < header.bodyLength) {
      const got = await this.#body(bin.subarray(0, header.bodyLength - at));
      if (got === null) throw this.#truncatedBody(header, at);
      at += got;
    }
  }

  #closedHere(): ConnectionClosedError {
    return new ConnectionClosedError(
      `Lost the connection to ${this.remote}: it was closed on this side`,
    );
  }

  #truncatedBody({ code, bodyLength }: FrameHeader, got: number): ProtocolError {
    return this.#truncated(`expected ${bodyLength} bytes of ${messageName(code)}, got ${got}`);
  }

  #truncated(what: string): ProtocolError {
    return new ProtocolError(
      "truncated-frame",
      `Lost the connection to ${this.remote} inside a frame: ${what}`,
    );
  }
}
