/**
 * Messages over a channel.
 *
 * @module
 */

import type { ProtocolError } from "../base/errors.ts";
import { shortened } from "../base/printable.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { DEFAULT_LIMITS, type WireLimits } from "../wire/limits.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";
import { MOST_MESSAGE_LENGTH } from "../wire/messages/error.ts";
import type { ConnectionOptions, Received, ReceiveOptions } from "./connection_options.ts";
import { discard } from "./discard.ts";
import { Ending } from "./ending.ts";
import { FrameInput } from "./frame_input.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Liveness } from "./liveness.ts";
import { MessageWriter } from "./message_writer.ts";
import type { SharedMessage } from "./outgoing_frame.ts";
import { receiveBody } from "./receive_body.ts";
import { ReceiveProgress } from "./receive_progress.ts";
import type { Channel } from "./transport.ts";

/** Content of heartbeats that tell nothing. */
const noContent = () => ({});

/** Connection to a peer: sends and receives whole messages, and watches that the peer is alive. */
export class Connection implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #limits: WireLimits;
  readonly #progress = new ReceiveProgress();
  readonly #input: FrameInput;
  readonly #heartbeat: Heartbeat;
  readonly #writer: MessageWriter;
  #reading: Promise<number | null> | undefined;
  #closed: Promise<void> | undefined;
  readonly #ending: Ending;
  #bytesReceived = 0;
  #place: ReceiveOptions["place"];
  // A server waits for a message of each client. An asynchronous function would keep several times
  // as much memory for each wait as these functions, which all waits of a connection share.
  readonly #endRead = (count: number | null): number | null => {
    this.#progress.endWait(runtime.clock.now());
    this.#reading = undefined;
    if (count !== null) this.#bytesReceived += count;
    return count;
  };
  readonly #fail = (error: unknown): never => {
    this.#endRead(null);
    throw this.#ending.failure ?? error;
  };
  readonly #takeBytes = (count: number | null): Received | null | Promise<Received | null> =>
    this.#input.addToHeader(this.#endRead(count)) ? this.#receiveFrame() : null;

  /** Takes a channel over. */
  constructor(channel: Channel, options: ConnectionOptions = {}) {
    const { limits = DEFAULT_LIMITS, ahead, heartbeat = noContent, heartbeatSeconds } = options;
    this.#channel = channel;
    this.#limits = limits;
    this.#ending = new Ending(channel.remote);
    this.#writer = new MessageWriter(channel, this.#ending, () => this.#heartbeat.sent());
    const source = {
      remote: channel.remote,
      read: (into: Uint8Array<ArrayBuffer>) =>
        this.#beginRead(into).then(this.#endRead, this.#fail),
    };
    this.#input = new FrameInput(source, { progress: this.#progress, ahead });
    this.#bytesReceived = ahead?.length ?? 0;
    this.#heartbeat = new Heartbeat(new Liveness(this, this.#writer, heartbeat), this.#progress);
    if (heartbeatSeconds !== undefined) this.keepAlive(heartbeatSeconds);
  }

  /** The other end, for messages. */
  get remote(): string {
    return this.#channel.remote;
  }

  /** Bytes sent so far. */
  get bytesSent(): number {
    return this.#writer.bytesSent;
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
    return this.#ending.isOpen;
  }

  /**
   * Sends a message after those before it. Resolves when its tensors may change again.
   *
   * @throws {ConnectionClosedError} If the connection is lost or closed.
   * @throws The reason of {@linkcode abort}.
   */
  send(message: Message | SharedMessage): Promise<void> {
    return this.#writer.send(message);
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
    for (;;) {
      const received = await this.receiveAny(options), message = received?.message;
      if (message?.code !== MessageCode.Heartbeat) return received;
      options.onHeartbeat?.(message.payload);
    }
  }

  /**
   * Receives the next message, which may be a heartbeat. Takes less memory than
   * {@linkcode receive}, for programs that wait for thousands of peers.
   *
   * @returns As `receive`.
   * @throws The errors of `receive`.
   */
  receiveAny({ place }: Pick<ReceiveOptions, "place"> = {}): Promise<Received | null> {
    this.#place = place;
    try {
      this.#ending.check();
      this.#progress.endFrame();
      const received = this.#receiveFrame();
      return received instanceof Promise ? received : Promise.resolve(received);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Ends the connection at once; pending calls reject with the reason. Again it does nothing. */
  abort(reason: Error): void {
    this.#ending.failure ??= reason;
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
    if (this.#ending.failure !== undefined) return;
    const timer = runtime.timers.setTimeout(() => this.#channel.close(), drainSeconds * 1000);
    try {
      await this.#writer.written;
      this.#ending.isClosing = true;
      await this.#channel.closeWrite();
      // A pending `receive` still gets the bytes of its read; those after it are discarded.
      await this.#reading;
      await discard(this.#channel);
    } catch { /* it is closed all the same */ }
    runtime.timers.clearTimeout(timer);
    this.abort(this.#ending.closedHere);
  }

  /** Closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Sends and expects heartbeats at this interval from now on. */
  keepAlive(heartbeatSeconds: number): void {
    if (this.#ending.failure === undefined) this.#heartbeat.start(heartbeatSeconds);
  }

  /** Takes the next message, at once if all of it was read ahead. */
  #receiveFrame(): Received | null | Promise<Received | null> {
    const header = this.#input.takeHeader(this.#limits);
    return header === undefined
      ? this.#beginRead(this.#input.roomForHeader()).then(this.#takeBytes, this.#fail)
      : receiveBody(this.#input, header, this.#place);
  }

  /** Begins to read; `#endRead` or `#fail` follows. */
  #beginRead(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    this.#ending.check();
    this.#progress.beginWait(runtime.clock.now());
    return this.#reading = this.#channel.read(into);
  }
}
