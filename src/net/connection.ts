/**
 * Messages over a channel.
 *
 * @module
 */

import { ConnectionClosedError, DeadlineError, type ProtocolError } from "../base/errors.ts";
import { shortened } from "../base/printable.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { loadEncoder, needsEncoder } from "../wire/cbor.ts";
import { DEFAULT_LIMITS, type WireLimits } from "../wire/limits.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";
import { MOST_MESSAGE_LENGTH } from "../wire/messages/error.ts";
import type { ConnectionOptions, Received, ReceiveOptions } from "./connection_options.ts";
import { discard } from "./discard.ts";
import { FrameInput } from "./frame_input.ts";
import { Heartbeat } from "./heartbeat.ts";
import { lengthOf, outgoingPieces, releasePieces, type SharedMessage } from "./outgoing_frame.ts";
import { receiveBody } from "./receive_body.ts";
import { ReceiveProgress } from "./receive_progress.ts";
import type { Channel } from "./transport.ts";

const NOTHING = new Uint8Array(0);

/** Connection to a peer: sends and receives whole messages, and watches that the peer is alive. */
export class Connection implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #limits: WireLimits;
  readonly #progress = new ReceiveProgress();
  readonly #input: FrameInput;
  readonly #heartbeat: Heartbeat;
  #writes: Promise<void> = Promise.resolve();
  #pendingWrites = 0;
  #reading: Promise<number | null> | undefined;
  #closing = false;
  #closed: Promise<void> | undefined;
  #failure: Error | undefined;
  #bytesSent = 0;
  #bytesReceived = 0;

  /** Takes a channel over. */
  constructor(channel: Channel, options: ConnectionOptions = {}) {
    const { limits = DEFAULT_LIMITS, ahead, heartbeat = () => ({}), heartbeatSeconds } = options;
    this.#channel = channel;
    this.#limits = limits;
    const source = {
      remote: channel.remote,
      read: (into: Uint8Array<ArrayBuffer>) =>
        this.#beginRead(into).then((count) => this.#endRead(count), (error) => this.#fail(error)),
    };
    this.#input = new FrameInput(source, { progress: this.#progress, ahead });
    this.#bytesReceived = ahead?.length ?? 0;
    this.#heartbeat = new Heartbeat({
      isWriting: () => this.#pendingWrites > 0,
      sendHeartbeat: () => {
        this.send({ code: MessageCode.Heartbeat, payload: heartbeat() }).catch(() => {});
      },
      giveUp: (reason) =>
        this.abort(new DeadlineError(`Lost the connection to ${this.remote}: ${reason}`)),
    }, this.#progress);
    if (heartbeatSeconds !== undefined) this.keepAlive(heartbeatSeconds);
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

  /** Bytes received so far of the body of the current frame. */
  get bodyReceived(): number {
    return this.#progress.bodyBytes;
  }

  /** True if it has neither ended nor begun to close. */
  get isOpen(): boolean {
    return this.#failure === undefined && !this.#closing;
  }

  /**
   * Sends a message after those before it. Resolves when its tensors may change again.
   *
   * @throws {ConnectionClosedError} If the connection is lost or closed.
   * @throws The reason of {@linkcode abort}.
   */
  send(message: Message | SharedMessage): Promise<void> {
    if (this.#pendingWrites++ === 0) return this.#writes = this.#write(message);
    const write = () => this.#write(message);
    return this.#writes = this.#writes.then(write, write);
  }

  /**
   * Receives the next message that is not a heartbeat. One call at a time. After an error other
   * than the `RangeError` the connection is of no more use.
   *
   * @returns The message, or `null` when the peer has closed its side between two frames.
   * @throws {ProtocolError} If a frame breaks the protocol.
   * @throws {DeadlineError} If the peer is silent for too long, or a frame arrives at less than
   * 16 KiB a second after a grace period as long. Time in which nothing is read does not count.
   * @throws {ConnectionClosedError} If the connection is lost or closed.
   * @throws {RangeError} If a buffer from `place` is too short or not aligned.
   */
  async receive(options: ReceiveOptions = {}): Promise<Received | null> {
    this.#checkOpen();
    for (;;) {
      this.#progress.endFrame();
      let header = this.#input.takeHeader(this.#limits);
      while (header === undefined) {
        let count: number | null;
        try {
          count = await this.#beginRead(this.#input.roomForHeader());
        } catch (error) {
          return this.#fail(error);
        }
        if (!this.#input.addToHeader(this.#endRead(count))) return null;
        header = this.#input.takeHeader(this.#limits);
      }
      const receiving = receiveBody(this.#input, header, options);
      const received = receiving instanceof Promise ? await receiving : receiving;
      const { message } = received;
      if (message?.code !== MessageCode.Heartbeat) return received;
      options.onHeartbeat?.(message.payload);
    }
  }

  /** Ends the connection at once; pending calls reject with the reason. Again it does nothing. */
  abort(reason: Error): void {
    this.#failure ??= reason;
    this.#heartbeat.stop();
    this.#input.close();
    this.#channel.close();
  }

  /** Sends the peer an error, then closes. Never rejects. */
  async refuse(error: ProtocolError, drainSeconds = 1): Promise<void> {
    const message = shortened(error.message, MOST_MESSAGE_LENGTH);
    const payload = { fault: error.fault, message, fatal: true };
    this.send({ code: MessageCode.Error, payload }).catch(() => {});
    await this.close(drainSeconds);
  }

  /**
   * Closes once everything sent has been written and the peer has closed its side, or
   * `drainSeconds` have passed. A socket that is closed over unread bytes would discard what was
   * sent last. A second call waits for the same end. Never rejects.
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
      // A pending `receive` still gets the bytes of its read; those after it are discarded.
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

  /** Sends and expects heartbeats at this interval from now on. */
  keepAlive(heartbeatSeconds: number): void {
    if (this.#failure === undefined) this.#heartbeat.start(heartbeatSeconds);
  }

  async #write(message: Message | SharedMessage): Promise<void> {
    let pieces: readonly Uint8Array<ArrayBuffer>[] = [];
    try {
      this.#checkOpen();
      if (needsEncoder(message.payload)) await loadEncoder();
      pieces = outgoingPieces(message);
      // An iterator would be kept for each write that waits.
      for (let i = 0; i < pieces.length; i++) await this.#channel.write(pieces[i] ?? NOTHING);
      this.#bytesSent += lengthOf(pieces);
      this.#heartbeat.sent();
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      releasePieces(message, pieces);
      this.#pendingWrites--;
    }
  }

  /** Begins to read; {@linkcode #endRead} or {@linkcode #fail} follows. */
  #beginRead(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    this.#checkOpen();
    this.#progress.beginWait(runtime.clock.now());
    return this.#reading = this.#channel.read(into);
  }

  #endRead(count: number | null): number | null {
    this.#progress.endWait(runtime.clock.now());
    this.#reading = undefined;
    if (count !== null) this.#bytesReceived += count;
    return count;
  }

  #fail(error: unknown): never {
    this.#endRead(null);
    throw this.#failure ?? error;
  }

  #checkOpen(): void {
    if (!this.isOpen) throw this.#failure ?? this.#closedHere();
  }

  #closedHere(): ConnectionClosedError {
    return new ConnectionClosedError(
      `Lost the connection to ${this.remote}: it was closed on this side`,
    );
  }
}
