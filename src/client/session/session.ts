import { ConnectionClosedError, ProtocolError } from "../../base/errors.ts";
import { Refusals } from "../../base/limits/refusals.ts";
import type { PeerLog } from "../../base/log/peer_log.ts";
import { runtime, type Timer } from "../../base/runtime/runtime.ts";
import { startDeadline } from "../../base/time/start_deadline.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import type { Connection } from "../../net/connection.ts";
import { SILENT_HEARTBEATS } from "../../net/timeouts.ts";
import type { Manifest } from "../../params/manifest.ts";
import { takesControl } from "../../plan/rules/rules.ts";
import type { FrameHeader } from "../../wire/frame.ts";
import { FIELDS_BYTES } from "../../wire/limits.ts";
import { isBulk, MessageCode, messageName } from "../../wire/message_code.ts";
import type { HeartbeatPayload, IdAssignmentPayload, Message } from "../../wire/messages.ts";
import { remoteError } from "./join.ts";
import { StalledError } from "./leave.ts";
import { sendsReceipts } from "./sends_receipts.ts";

/** Factor by which a client waits longer for progress than the server says it may take. */
const PATIENCE = 2;

/** A client's messages to and from the server on one connection, once it has joined. */
export class Session {
  /** The server's answer to the registration. */
  readonly assignment: IdAssignmentPayload;
  readonly signal: AbortSignal | undefined;
  readonly #connection: Connection;
  readonly #manifest: Manifest;
  readonly #downlinkBytes: number | undefined;
  readonly #peers: PeerLog;
  readonly #refusals = new Refusals();
  #next: Promise<Message> | undefined;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #timer: Timer | undefined;
  readonly #idleSeconds: number;
  readonly #isBusy: () => boolean;
  /** Functions that end the current waits with an error. */
  readonly #breakers = new Set<(error: Error) => void>();
  readonly #joined = runtime.clock.now();
  /** Time of the last progress of the run. */
  #progressed = runtime.clock.now();
  /** Progress number of the last heartbeat. */
  #progress: number | undefined;
  #endIdle: (() => void) | undefined;
  #isUseful = false;
  readonly #receiveOptions = { place: (header: FrameHeader) => this.#place(header) };
  /** Set while a vector arrives, which on a slow connection takes longer than the time-out. */
  #isReading = false;

  constructor({
    connection,
    assignment,
    manifest,
    peers,
    signal,
    idleSeconds,
    isBusy,
    downlinkBytes,
  }: {
    connection: Connection;
    assignment: IdAssignmentPayload;
    manifest: Manifest;
    peers: PeerLog;
    signal: AbortSignal | undefined;
    /** Time-out for progress of the run, unless the server says that it may take longer. */
    idleSeconds: number;
    /** Returns `true` while the client is busy, and so does not wait. */
    isBusy: () => boolean;
    /** Most bytes of the arrays of encoded parameters; `undefined` if none are agreed on. */
    downlinkBytes?: number | undefined;
  }) {
    this.#connection = connection;
    this.assignment = assignment;
    this.#manifest = manifest;
    this.#downlinkBytes = downlinkBytes;
    this.#peers = peers;
    this.signal = signal;
    this.#idleSeconds = Math.max(idleSeconds, PATIENCE * (assignment.patienceSeconds ?? 0));
    this.#isBusy = isBusy;
    this.#watch();
  }

  /**
   * Set once the server has sent a message on this connection, or has kept it open for as long as a
   * silent one may last.
   */
  get isUseful(): boolean {
    const { heartbeatSeconds } = this.assignment;
    const seconds = (runtime.clock.now() - this.#joined) / 1000;
    return this.#isUseful || seconds >= SILENT_HEARTBEATS * heartbeatSeconds;
  }

  /** Ends the waits with an error when the run makes no progress. */
  #watch(): void {
    const limit = this.#idleSeconds * 1000;
    const now = runtime.clock.now();
    if (this.#isBusy() || this.#isReading) this.#progressed = now;
    const left = limit - (now - this.#progressed);
    if (left <= 0) {
      const error = new StalledError(
        `Cannot wait any longer for ${this.#connection.remote}: it has sent nothing but signs of life for ${this.#idleSeconds} seconds, in which its run has not got on`,
      );
      for (const end of this.#breakers) end(error);
      return;
    }
    this.#endIdle = startDeadline(left, () => this.#watch());
  }

  /** Notes that the client was active: the time-out for progress starts again. */
  touch(): void {
    this.#progressed = runtime.clock.now();
  }

  /**
   * Sends a message. The server may take long to read it; an abort and the time-out for progress
   * end the wait.
   */
  async send(message: Message): Promise<void> {
    // The server may refuse one message for each of these.
    if (isBulk(message.code) || message.code === MessageCode.Error) this.#refusals.asked();
    this.touch();
    await this.wait(this.#connection.send(message));
  }

  /** Waits for a promise; rejects when the client is stopped or the run makes no progress. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return withDeadline(promise, { signal: this.signal, breakers: this.#breakers });
  }

  /**
   * Returns a promise of the server's next message: the same one until {@linkcode consume} is
   * called. It rejects when the connection is lost or the server has refused the client.
   */
  next(): Promise<Message> {
    return this.#next ??= this.#receive();
  }

  /** Consumes the current message. */
  consume(): void {
    this.#next = undefined;
  }

  /** Resolves after a pause, unless the session ends or another pause begins before that. */
  rest(millis: number): Promise<void> {
    runtime.timers.clearTimeout(this.#timer);
    return new Promise((resolve) => this.#timer = runtime.timers.setTimeout(resolve, millis));
  }

  /** Cancels the pending waits. */
  end(): void {
    runtime.timers.clearTimeout(this.#timer);
    this.#endIdle?.();
    this.#next?.catch(() => {});
    this.#next = undefined;
  }

  async #receive(): Promise<Message> {
    for (;;) {
      const received = await this.#connection.receiveAny(this.#receiveOptions);
      if (received === null) {
        throw new ConnectionClosedError(
          `Lost the connection to ${this.#connection.remote}: the server closed it before the end`,
        );
      }
      const { message } = received;
      if (message?.code === MessageCode.Heartbeat) {
        this.#takeHeartbeat(message.payload);
        continue;
      }
      if (this.#isReading && sendsReceipts(this.#manifest)) await this.#sendReceipt();
      this.#isReading = false;
      if (message === undefined) continue;
      if (message.code !== MessageCode.Error) {
        this.#progressed = runtime.clock.now();
        this.#isUseful = true;
        return message;
      }
      const { fault, message: text, fatal } = message.payload;
      if (fatal) throw remoteError(fault, text);
      this.#peers.warn("the server", `The server refused an update (${fault}): ${text}`);
      if (this.#refusals.add()) {
        throw new ProtocolError(
          "too-many-faults",
          `Cannot follow the server: it refuses more than it was sent; the last: ${text}`,
        );
      }
    }
  }

  #takeHeartbeat({ progress }: HeartbeatPayload): void {
    if (progress === this.#progress) return;
    this.#progress = progress;
    this.#progressed = runtime.clock.now();
  }

  /**
   * Tells the server that a vector is here. What it has written may be on the way for long, and the
   * next client of a shared link downloads only then.
   */
  async #sendReceipt(): Promise<void> {
    const payload = { received: this.#connection.bytesReceived };
    this.#connection.send({ code: MessageCode.Heartbeat, payload }).catch(() => {});
    // A WebSocket writes it in the next turn, and training may block all turns for long.
    await new Promise<void>((resolve) => runtime.timers.setTimeout(resolve, 0));
  }

  /** One buffer serves all rounds: the handler has copied a vector before the next one is read. */
  #place({ code, bodyLength }: FrameHeader): Uint8Array<ArrayBuffer> {
    // Some algorithms send a second vector.
    const vectors = takesControl(this.assignment.plan.rule) ? 2 : 1;
    const whole = vectors * this.#manifest.byteLength + FIELDS_BYTES;
    const isCoded = code === MessageCode.CompressedUpdate, coded = this.#downlinkBytes;
    if (isCoded && coded === undefined) {
      throw new ProtocolError(
        "wrong-codec",
        "Cannot load the parameters: expected whole ones, since no codec was agreed on",
      );
    }
    const encoded = (coded ?? 0) + FIELDS_BYTES;
    // Parameters to evaluate come either way.
    const size = isCoded
      ? encoded
      : code === MessageCode.EvaluateParams
      ? Math.max(whole, encoded)
      : whole;
    if (bodyLength > size) {
      throw new ProtocolError(
        "frame-too-large",
        `Cannot read ${
          messageName(code)
        }: expected at most ${size} bytes for this model, got ${bodyLength}`,
      );
    }
    this.#isReading = true;
    return this.#buffer ??= new Uint8Array(Math.max(whole, encoded));
  }
}
