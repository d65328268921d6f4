import { ConnectionClosedError, ProtocolError } from "../base/errors.ts";
import { Refusals } from "../base/limits/refusals.ts";
import type { PeerLog } from "../base/log/peer_log.ts";
import { MAX_TIMER_MILLIS } from "../base/time/delay.ts";
import type { Connection } from "../net/connection.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import { SILENT_HEARTBEATS } from "../net/timeouts.ts";
import type { Manifest } from "../params/manifest.ts";
import { takesControl } from "../plan/rules/rules.ts";
import { FIELDS_BYTES, type FrameHeader } from "../wire/frame.ts";
import { isBulk, MessageCode, messageName } from "../wire/message_code.ts";
import type { IdAssignmentPayload, Message } from "../wire/messages.ts";
import { remoteError } from "./join.ts";
import { StalledError } from "./leave.ts";

/** How much longer than the server says a client waits for the run to get on. */
const PATIENCE = 2;

/** What a client says and hears on one connection, once it has joined. */
export class Session {
  /** What the server has told it. */
  readonly assignment: IdAssignmentPayload;
  readonly signal: AbortSignal | undefined;
  readonly #connection: Connection;
  readonly #manifest: Manifest;
  readonly #peers: PeerLog;
  readonly #refusals = new Refusals();
  #next: Promise<Message> | undefined;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #idleSeconds: number;
  readonly #isBusy: () => boolean;
  /** End what is waited for with an error. */
  readonly #breakers = new Set<(error: Error) => void>();
  readonly #joined = performance.now();
  #gotOn = performance.now();
  #progress: number | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #isUseful = false;

  constructor({ connection, assignment, manifest, peers, signal, idleSeconds, isBusy }: {
    connection: Connection;
    assignment: IdAssignmentPayload;
    manifest: Manifest;
    peers: PeerLog;
    signal: AbortSignal | undefined;
    /**
     * How long the client waits for the run to get on, unless the server says that it may take
     * longer.
     */
    idleSeconds: number;
    /** Whether the client has something to do, and so does not wait. */
    isBusy: () => boolean;
  }) {
    this.#connection = connection;
    this.assignment = assignment;
    this.#manifest = manifest;
    this.#peers = peers;
    this.signal = signal;
    this.#idleSeconds = Math.max(idleSeconds, PATIENCE * (assignment.patienceSeconds ?? 0));
    this.#isBusy = isBusy;
    this.#watch();
  }

  /**
   * Whether the server has asked for something on this connection, or has borne it for as long as a
   * silence.
   */
  get isUseful(): boolean {
    const { heartbeatSeconds } = this.assignment;
    const seconds = (performance.now() - this.#joined) / 1000;
    return this.#isUseful || seconds >= SILENT_HEARTBEATS * heartbeatSeconds;
  }

  /** Looks whether the run gets on. */
  #watch(): void {
    const limit = this.#idleSeconds * 1000;
    const now = performance.now();
    if (this.#isBusy()) this.#gotOn = now;
    const left = limit - (now - this.#gotOn);
    if (left <= 0) {
      const error = new StalledError(
        `Cannot wait any longer for ${this.#connection.remote}: it has sent nothing but signs of life for ${this.#idleSeconds} seconds, in which its run has not got on`,
      );
      for (const end of this.#breakers) end(error);
      return;
    }
    this.#idleTimer = setTimeout(() => this.#watch(), Math.min(left, MAX_TIMER_MILLIS));
  }

  /** The client has done something: from now on it waits again. */
  touch(): void {
    this.#gotOn = performance.now();
  }

  /** Whether there are no rounds. */
  get isAsync(): boolean {
    return this.assignment.mode === "async";
  }

  /**
   * Sends a message; the server may make it wait for long, which an abort ends, and the end of the
   * client's patience.
   */
  async send(message: Message): Promise<void> {
    // Whatever the server has to refuse of it.
    if (isBulk(message.code) || message.code === MessageCode.Error) this.#refusals.asked();
    this.touch();
    await this.within(this.#connection.send(message));
  }

  /** Waits for the promise, unless the client is stopped or the run does not get on. */
  within<T>(promise: Promise<T>): Promise<T> {
    return withDeadline(promise, { signal: this.signal, breakers: this.#breakers });
  }

  /**
   * The wait for the server's next message, one and the same until it was `taken`; rejects when the
   * connection is lost or the server has refused.
   */
  next(): Promise<Message> {
    return this.#next ??= this.#receive();
  }

  /** The next message is the one after it. */
  taken(): void {
    this.#next = undefined;
  }

  /** Resolves after so long, unless the session ends, or another wait is begun, before that. */
  rested(millis: number): Promise<void> {
    clearTimeout(this.#timer);
    return new Promise((resolve) => this.#timer = setTimeout(resolve, millis));
  }

  /** Nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#idleTimer);
    this.#next?.catch(() => {});
    this.#next = undefined;
  }

  async #receive(): Promise<Message> {
    for (;;) {
      const received = await this.#connection.receive({
        place: (header) => this.#place(header),
        onHeartbeat: ({ progress }) => {
          if (progress === this.#progress) return;
          this.#progress = progress;
          this.#gotOn = performance.now();
        },
      });
      if (received === null) {
        throw new ConnectionClosedError(
          `Lost the connection to ${this.#connection.remote}: the server closed it before the end`,
        );
      }
      const { message } = received;
      if (message === undefined) continue;
      if (message.code !== MessageCode.Error) {
        this.#gotOn = performance.now();
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

  /** One buffer serves every round: the handler has copied a vector out before the next is read. */
  #place({ code, bodyLength }: FrameHeader): Uint8Array<ArrayBuffer> {
    // With the algorithm's second vector there are two.
    const vectors = takesControl(this.assignment.plan.rule) ? 2 : 1;
    const size = vectors * this.#manifest.byteLength + FIELDS_BYTES;
    if (bodyLength > size) {
      throw new ProtocolError(
        "frame-too-large",
        `Cannot read ${
          messageName(code)
        }: expected at most ${size} bytes for this model, got ${bodyLength}`,
      );
    }
    return this.#buffer ??= new Uint8Array(size);
  }
}
