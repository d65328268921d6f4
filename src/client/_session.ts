import { ConnectionClosedError, ProtocolError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Connection } from "../net/connection.ts";
import { within } from "../net/timeouts.ts";
import type { Manifest } from "../params/manifest.ts";
import { takesControl } from "../train/local_rule.ts";
import { FIELDS_BYTES, type FrameHeader } from "../wire/frame.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { IdAssignmentPayload, Message } from "../wire/messages.ts";
import { remoteError } from "./_join.ts";

/** What a client says and hears on one connection, once it has joined. */
export class Session {
  /** What the server has told it. */
  readonly assignment: IdAssignmentPayload;
  readonly signal: AbortSignal | undefined;
  readonly #connection: Connection;
  readonly #manifest: Manifest;
  readonly #logger: Logger;
  #next: Promise<Message> | undefined;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ connection, assignment, manifest, logger, signal }: {
    connection: Connection;
    assignment: IdAssignmentPayload;
    manifest: Manifest;
    logger: Logger;
    signal: AbortSignal | undefined;
  }) {
    this.#connection = connection;
    this.assignment = assignment;
    this.#manifest = manifest;
    this.#logger = logger;
    this.signal = signal;
  }

  /** Whether there are no rounds. */
  get isAsync(): boolean {
    return this.assignment.mode === "async";
  }

  /** Sends a message; the server may make it wait for long, which an abort ends. */
  async send(message: Message): Promise<void> {
    await within(this.#connection.send(message), { signal: this.signal });
  }

  /** The wait for the server's next message, one and the same until it was `taken`; rejects when the connection is lost or the server has refused. */
  next(): Promise<Message> {
    return this.#next ??= this.#receive();
  }

  /** The next message is the one after it. */
  taken(): void {
    this.#next = undefined;
  }

  /** Resolves after so long, unless the session ends before that. One wait at a time. */
  rested(millis: number): Promise<void> {
    return new Promise((resolve) => this.#timer = setTimeout(resolve, millis));
  }

  /** Nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#next?.catch(() => {});
    this.#next = undefined;
  }

  async #receive(): Promise<Message> {
    for (;;) {
      const received = await this.#connection.receive({ place: (header) => this.#place(header) });
      if (received === null) {
        throw new ConnectionClosedError(
          `Lost the connection to ${this.#connection.remote}: the server closed it before the end`,
        );
      }
      const { message } = received;
      if (message === undefined) continue;
      if (message.code !== MessageCode.Error) return message;
      const { fault, message: text, fatal } = message.payload;
      if (fatal) throw remoteError(fault, text);
      this.#logger.warn(`The server refused an update (${fault}): ${text}`);
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
