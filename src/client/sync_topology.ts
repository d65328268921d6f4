/**
 * The synchronous client.
 *
 * @module
 */

import { ConnectionClosedError, errorMessage, ProtocolError } from "../errors.ts";
import { type LogHandle, openLog } from "../log.ts";
import type { Connection } from "../net/connection.ts";
import { type Rank, SERVER_RANK } from "../net/process_group.ts";
import { within } from "../net/timeouts.ts";
import type { TrainResult } from "../train/handler.ts";
import { FIELDS_BYTES, type FrameHeader } from "../wire/frame.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { IdAssignmentPayload, Message, MessageOf, Payload } from "../wire/messages.ts";
import { connect, join, remoteError } from "./_join.ts";
import { ClientCommunicationTopology, type RunOptions } from "./topology.ts";

/** What a client holds while it runs. */
interface Session {
  readonly connection: Connection;
  readonly assignment: IdAssignmentPayload;
  readonly log: LogHandle;
  readonly signal: AbortSignal | undefined;
}

/** What a client has trained and not sent yet. */
interface Trained {
  readonly round: number;
  readonly result: TrainResult;
}

/** Aborts a training whose round is over on the server's side. */
class RoundOverError extends Error {}

/**
 * The synchronous client: waits for parameters, trains, sends what it trained, until the server says `Exit`.
 *
 * @example A client that trains by its own rule, in one process with its server
 * ```ts
 * import {
 *   ClientBackendHandler, ClientSyncTop, Manifest, ServerSyncTop, silentLogger, SyncParameterServerHandler, type TrainResult,
 * } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const manifest = Manifest.of([{ name: "w", shape: [2] }]);
 * class AddOne extends ClientBackendHandler {
 *   readonly manifest = manifest;
 *   readonly numSamples = 1;
 *   #w = new Float32Array(2);
 *   get parameters() { return this.#w; }
 *   set parameters(w) { this.#w.set(w); }
 *   train(): Promise<TrainResult> {
 *     this.#w.forEach((x, i) => this.#w[i] = x + 1);
 *     return Promise.resolve({ numSamples: 1, steps: 1, loss: 0, metrics: {} });
 *   }
 *   evaluate() { return Promise.resolve({ numSamples: 1, loss: 0 }); }
 * }
 *
 * const group = { distBackend: "memory", logger: silentLogger } as const;
 * const handler = new SyncParameterServerHandler({ manifest, parameters: new Float32Array([0, 5]) });
 * const server = new ServerSyncTop(handler, { ...group, listen: "example", worldSize: 2, rounds: 3 });
 * const client = new ClientSyncTop(new AddOne(), { ...group, serverAddr: "example" });
 * await Promise.all([server.run(), client.run()]);
 * assertEquals([...handler.parameters], [3, 8]);
 * ```
 */
export class ClientSyncTop extends ClientCommunicationTopology {
  #session: Session | undefined;
  #next: Promise<Message | null> | undefined;
  #trained: Trained | undefined;
  #buffer: Uint8Array<ArrayBuffer> | undefined;

  /** The rank that the server gave, or the one asked for before that. */
  get rank(): Rank | undefined {
    return this.#session?.assignment.rank ?? this.options.rank;
  }

  /** The group's size, once the server has told it, or the one in the options. */
  get worldSize(): number | undefined {
    return this.#session?.assignment.worldSize ?? this.options.worldSize;
  }

  /**
   * Joins the group, then waits, trains and synchronizes until the server ends the run.
   *
   * Rejects with a `DeadlineError` when no server answers, a `ProtocolError` when the server refuses or breaks the protocol, a
   * `ConnectionClosedError` when the server is gone, with the handler's own error, or with the signal's reason.
   */
  async run({ signal }: RunOptions = {}): Promise<void> {
    const { options } = this;
    const name = options.loggerName ||
      (options.rank === undefined ? "client" : `client-${options.rank}`);
    using log = openLog({
      ...options.log,
      loggerFile: options.loggerFile ?? "clientLog",
      loggerName: name,
      ...(options.rank !== undefined && { rank: options.rank }),
      ...(options.logger && { logger: options.logger }),
    });
    const connection = await connect(this, log.logger, signal);
    try {
      const assignment = await within(join(connection, this.handler, options), { signal });
      this.#session = { connection, assignment, log, signal };
      log.logger.info(
        `Joined ${connection.remote} as rank ${assignment.rank} of a world of ${assignment.worldSize}, ` +
          `${assignment.rounds} rounds of ${assignment.strategy}`,
      );
      const { rank, worldSize, rounds } = assignment;
      options.onEvent?.({ type: "joined", rank, worldSize, rounds });
      await this.#converse(signal);
      log.logger.info("The run is over");
    } catch (error) {
      await this.#takeLeave(connection, error, signal);
      log.logger.error(errorMessage(error));
      throw error;
    } finally {
      await connection.close(this.timeouts.drainSeconds);
      this.#session = undefined;
      this.#next = undefined;
    }
  }

  /** Trains on `ParameterUpdate`, evaluates and answers on `EvaluateParams`; refuses any other code. */
  async onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void> {
    const { log } = this.#open();
    log.logger.debug(`Received ${messageName(code)} from rank ${sender}`);
    const message = { code, payload } as Message;
    if (message.code === MessageCode.ParameterUpdate) await this.#train(message.payload);
    else if (message.code === MessageCode.EvaluateParams) await this.#evaluate(message.payload);
    else {
      throw new ProtocolError(
        "unexpected-code",
        `Cannot follow the server: expected ParameterUpdate, EvaluateParams or Exit, got ${
          messageName(code)
        }`,
      );
    }
  }

  /** Sends the trained parameters; nothing when the round was over before the training was. */
  async synchronize(): Promise<void> {
    const { connection, log } = this.#open();
    if (this.#trained === undefined) return;
    const { round, result } = this.#trained;
    this.#trained = undefined;
    const { numSamples, steps, loss, metrics } = result;
    await connection.send({
      code: MessageCode.ParameterUpdate,
      payload: {
        round,
        numSamples,
        steps,
        // A figure that is no number tells nothing; the parameters may be sound all the same.
        ...(Number.isFinite(loss) && { loss }),
        metrics: Object.fromEntries(
          Object.entries(metrics).filter(([, value]) => Number.isFinite(value)),
        ),
        parameters: this.handler.parameters,
      },
    });
    log.logger.debug(`Sent the parameters of round ${round}`);
  }

  #open(): Session {
    if (this.#session === undefined) {
      throw new Error("Cannot talk to the server: the topology is not running");
    }
    return this.#session;
  }

  async #converse(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const message = await within(this.#waiting(), { signal });
      if (message.code === MessageCode.Exit) {
        await this.#open().connection.send(message);
        return;
      }
      await this.onReceive(SERVER_RANK, message.code, message.payload);
      if (message.code === MessageCode.ParameterUpdate) await this.synchronize();
    }
  }

  /** The blocking wait for the server's next message. */
  async #waiting(): Promise<Message> {
    const message = await (this.#next ??= this.#receive());
    this.#next = undefined;
    if (message === null) {
      const { connection } = this.#open();
      throw new ConnectionClosedError(
        `Lost the connection to ${connection.remote}: the server closed it before the end`,
      );
    }
    return message;
  }

  async #receive(): Promise<Message | null> {
    const { connection, log } = this.#open();
    for (;;) {
      const received = await connection.receive({ place: (header) => this.#place(header) });
      if (received === null) return null;
      const { message } = received;
      if (message === undefined) continue;
      if (message.code !== MessageCode.Error) return message;
      const { fault, message: text, fatal } = message.payload;
      if (fatal) throw remoteError(fault, text);
      log.logger.warn(`The server refused an update (${fault}): ${text}`);
    }
  }

  /** One buffer serves every round: the handler has copied a vector out before the next is read. */
  #place({ code, bodyLength }: FrameHeader): Uint8Array<ArrayBuffer> {
    const size = this.handler.manifest.byteLength + FIELDS_BYTES;
    if (bodyLength > size) {
      throw new ProtocolError(
        "frame-too-large",
        `Cannot read ${
          messageName(code)
        }: expected at most ${size} bytes for this model, got ${bodyLength}`,
      );
    }
    if (this.#buffer?.length !== size) this.#buffer = new Uint8Array(size);
    return this.#buffer;
  }

  async #train(
    payload: MessageOf<typeof MessageCode.ParameterUpdate>["payload"],
  ): Promise<void> {
    const { assignment, log, signal } = this.#open();
    const { round, parameters, plan } = payload;
    this.#load(parameters);
    const over = new AbortController();
    this.#lookAhead(over);
    const began = performance.now();
    try {
      const { rank, seed } = assignment;
      const result = await this.handler.train(
        { ...assignment.plan, ...plan, round, rank, seed },
        signal ? AbortSignal.any([signal, over.signal]) : over.signal,
      );
      this.#trained = { round, result };
      const seconds = (performance.now() - began) / 1000;
      this.options.onEvent?.({ type: "trained", round, result, seconds });
      log.logger.info(
        `Round ${round}: ${result.steps} steps on ${result.numSamples} samples, loss ${
          result.loss.toFixed(4)
        }`,
      );
    } catch (error) {
      if (!(error instanceof RoundOverError)) throw error;
      log.logger.warn(`Round ${round} ended on the server before the training did`);
    }
  }

  /** Reads on during a training, so that an end, a loss or a newer round is noticed at once. */
  #lookAhead(over: AbortController): void {
    this.#next = this.#receive();
    this.#next.then(
      () => over.abort(new RoundOverError("The round is over")),
      (error) => over.abort(error),
    );
  }

  async #evaluate(
    payload: MessageOf<typeof MessageCode.EvaluateParams>["payload"],
  ): Promise<void> {
    const { connection, signal } = this.#open();
    if (payload.parameters === undefined) {
      throw new ProtocolError(
        "invalid-field",
        "Cannot evaluate: expected the field parameters, got none",
      );
    }
    this.#load(payload.parameters);
    const result = await this.handler.evaluate(signal);
    await connection.send({
      code: MessageCode.EvaluateParams,
      payload: { round: payload.round, ...result },
    });
  }

  #load(parameters: Float32Array<ArrayBuffer>): void {
    const { manifest } = this.handler;
    if (parameters.length !== manifest.length) {
      throw new ProtocolError(
        "shape-mismatch",
        `Cannot load the parameters: expected ${manifest.length} values, got ${parameters.length}`,
      );
    }
    this.handler.parameters = parameters;
  }

  /** Tells the server why this client goes, so that it need not find out. */
  async #takeLeave(
    connection: Connection,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (error instanceof ConnectionClosedError) return;
    const message = errorMessage(error).slice(0, 1024);
    const farewell: Message = signal?.aborted
      ? { code: MessageCode.Exit, payload: { reason: `the client was stopped: ${message}` } }
      : {
        code: MessageCode.Error,
        payload: {
          fault: error instanceof ProtocolError ? error.fault : "handler-failed",
          message,
          fatal: true,
        },
      };
    try {
      await within(connection.send(farewell), {
        seconds: this.timeouts.drainSeconds,
        late: () => new Error("late"),
      });
    } catch { /* the server is gone as well */ }
  }
}
