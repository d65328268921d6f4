/**
 * Base class of client topologies.
 *
 * @module
 */

import { errorMessage, ProtocolError } from "../base/errors.ts";
import { lazy } from "../base/lazy.ts";
import { openLog } from "../base/log/log.ts";
import { MEMBER_LINES, PeerLog } from "../base/log/peer_log.ts";
import type { Rank } from "../base/rank.ts";
import type { DistBackend } from "../net/backend.ts";
import { type Timeouts, timeoutsOf } from "../net/timeouts.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { AgreementMode, IdAssignmentPayload, Message, Payload } from "../wire/messages.ts";
import type { ClientRun } from "./client_run.ts";
import type { ClientWork } from "./client_work.ts";
import { isSecureMessage } from "./secure/secure_message.ts";
import {
  checkPlace,
  type ClientTopologyOptions,
  type RunOptions,
  withoutFigures,
} from "./options.ts";

const loadRun = /* @__PURE__ */ lazy(() => import("./client_run.ts"));

/**
 * A client's side of a communication agreement: joins the group, reconnects when the connection is
 * lost, trains, evaluates and answers. The handler owns the model.
 *
 * Subclasses are agreements, and override the methods that differ: {@linkcode ClientSyncTop} works
 * in rounds, {@linkcode ClientAsyncTop} asks for work, and {@linkcode ClientFollowingTop} does what
 * its server says.
 */
export abstract class ClientCommunicationTopology {
  /** Handler that trains and evaluates the model. */
  readonly handler: ClientBackendHandler;
  /** The server's address. */
  readonly serverAddr: string;
  /** The transport. */
  readonly distBackend: DistBackend;
  /** The time-outs in force. */
  readonly timeouts: Timeouts;
  /** The options as given. */
  protected readonly options: Readonly<ClientTopologyOptions>;
  #run: ClientRun | undefined;

  /**
   * Makes a client of a handler, for the group in the options. Opens nothing before `run`.
   *
   * @throws {RangeError} If the rank or the world size is out of range.
   */
  constructor(handler: ClientBackendHandler, options: ClientTopologyOptions) {
    checkPlace(options);
    this.handler = handler;
    this.serverAddr = options.serverAddr;
    this.distBackend = options.distBackend ?? "tcp";
    this.timeouts = timeoutsOf(options.timeouts);
    this.options = handler.privacy ? withoutFigures(options) : options;
  }

  /** The only mode of a server that the client takes part in. Default: any. */
  protected get mode(): AgreementMode | undefined {
    return undefined;
  }

  /**
   * `true` if the client asks the server for work, `false` if it waits for the work of a round.
   *
   * @default {false}
   */
  protected get asksForWork(): boolean {
    return false;
  }

  /** The server's answer to the registration; `undefined` before the client has joined. */
  protected get assignment(): IdAssignmentPayload | undefined {
    return this.#run?.assignment;
  }

  /** The rank that the server assigned; before that, the one asked for. */
  get rank(): Rank | undefined {
    return this.assignment?.rank ?? this.options.rank;
  }

  /** The group's size as the server has told it; before that, the one in the options. */
  get worldSize(): number | undefined {
    return this.assignment?.worldSize ?? this.options.worldSize;
  }

  /**
   * Joins the group, then trains, evaluates and synchronizes until the server ends the run.
   * Reconnects when the connection is lost.
   *
   * @throws {DeadlineError} If no server lets the client in before the join time-out, or the run
   * makes no progress for `idleSeconds`.
   * @throws {ProtocolError} If the server refuses the client or breaks the protocol.
   * @throws {RunStoppedError} If the run was stopped by an error and may be resumed.
   * @throws The handler's own error, or the reason of the signal.
   */
  async run({ signal }: RunOptions = {}): Promise<void> {
    const { handler, options, mode } = this;
    const { rank, loggerName, loggerFile = "clientLog" } = options;
    using log = openLog({
      ...options.log,
      loggerFile,
      loggerName: loggerName || (rank === undefined ? "client" : `client-${rank}`),
      ...(rank !== undefined && { rank }),
      ...(options.logger && { logger: options.logger }),
    });
    const { logger } = log;
    using peers = new PeerLog(logger, MEMBER_LINES);
    const { ClientRun, followWithReconnects } = await loadRun();
    const run = this.#run = new ClientRun({
      server: this,
      handler,
      options,
      mode,
      asksForWork: () => this.asksForWork,
      onReceive: (sender, code, payload) => this.onReceive(sender, code, payload),
      synchronize: () => this.synchronize(),
    }, { logger, peers, signal });
    try {
      await followWithReconnects(run);
    } catch (error) {
      logger.error(errorMessage(error));
      throw error;
    } finally {
      await run.stop();
      this.#run = undefined;
    }
  }

  /**
   * Handles a message of the server: trains on `ParameterUpdate`, evaluates and answers on
   * `EvaluateParams`, describes its data on `StatisticsRequest`, and takes part in secure
   * aggregation, where it evaluates nothing.
   *
   * @throws {ProtocolError} For any other message.
   */
  async onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void> {
    this.#run?.logger.debug(`Received ${messageName(code)} from rank ${sender}`);
    const message = { code, payload } as Message;
    if (
      message.code === MessageCode.ParameterUpdate ||
      message.code === MessageCode.CompressedUpdate
    ) {
      await this.#work.train(message.payload);
    } else if (isSecureMessage(message) && this.#work.isSecure) {
      await this.#work.answerSecurely(message);
    } else if (message.code === MessageCode.EvaluateParams) {
      await this.#work.evaluate(message.payload);
    } else if (
      message.code === MessageCode.StatisticsRequest && this.assignment?.mode === "statistics"
    ) {
      await this.#work.describe(message.payload);
    } else {
      throw new ProtocolError(
        "unexpected-code",
        `Cannot follow the server: expected ParameterUpdate, EvaluateParams or Exit, got ${
          messageName(code)
        }`,
      );
    }
  }

  /**
   * Sends the result of the last training, the trained parameters or the gradient, and asks for
   * more work where the agreement says so. Does nothing when there is no result.
   */
  async synchronize(): Promise<void> {
    await this.#work.synchronize();
  }

  get #work(): ClientWork {
    if (this.#run !== undefined) return this.#run.work;
    throw new Error("Cannot talk to the server: the topology is not running");
  }
}
