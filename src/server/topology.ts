/**
 * What every server topology is.
 *
 * @module
 */

import { type Gatekeeper, makeChallenge } from "../auth/challenge.ts";
import type { Logger, LogOptions } from "../base/log/log.ts";
import type { DistBackend } from "../net/backend.ts";
import type { Rank } from "../base/rank.ts";
import { type Timeouts, timeoutsOf } from "../net/timeouts.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import type { MessageCode } from "../wire/message_code.ts";
import type { Payload } from "../wire/messages.ts";
import { type PeerLimits, peerLimitsOf } from "./sessions/gate.ts";
import { DEFAULT_QUORUM } from "../round/limits.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import type { ServerBackendHandler } from "../round/handler/server_backend_handler.ts";
import type { RunReport } from "../round/report/report.ts";

/** Where a server listens, for whom it waits, and how long it runs. */
export interface ServerTopologyOptions {
  /** Where to listen, in the form of the transport: `"HOST:PORT"` for TCP, `"ws://HOST:PORT/PATH"` for WebSockets; port 0 takes a free one. */
  listen: string;
  /** Number of processes, the server included, at least 2. */
  worldSize: number;
  /** Number of rounds, at least 1. */
  rounds: number;
  /** Number of clients with which the run may begin once the join time-out is over. Default: all of them. */
  minClients?: number;
  /**
   * Share of the updates that a round wants which it needs, above 0 and at most 1, rounded up: at least one update, no more than `minClients`, and as many as
   * the strategy needs (`fewestUpdates`). Default 0.5. A round that has fewer at its end is tried again with a fresh cohort.
   */
  quorum?: number;
  /**
   * Number of tries of a round with too few updates after which the run stops, and of updates that a round leaves out at most because its model is not finite or
   * evaluates to no number. Default 3.
   */
  roundTries?: number;
  /** Who may join. Default: everyone who reaches the address. */
  gatekeeper?: Gatekeeper;
  /** The server's name, which clients that prove who they are sign with. Default `"fedlab"`. */
  serverName?: string;
  /** How many peers the server bears, each limit with its default. */
  limits?: Partial<PeerLimits>;
  /** Where the run is kept after each round. Default: nowhere. */
  checkpoints?: Checkpoints;
  /**
   * How often in a row the run may fail to be kept before it stops, at least 1. Default 10. After each failure it goes on, and the next round's save is the next
   * try.
   */
  saveTries?: number;
  /** A checkpoint of this server to go on from; its run's clients are waited for. */
  resume?: Checkpoint;
  /** What is kept in each checkpoint besides the run: anything that can be written as JSON. */
  notes?: Readonly<Record<string, unknown>>;
  /** The transport. Default `"tcp"`. */
  distBackend?: DistBackend;
  /** Log file, in the log's folder: `.txt` is added to it. Default `"serverLog"`; `""` for none. */
  loggerFile?: string;
  /** Name that the log's lines carry. Default `"server"`. */
  loggerName?: string;
  /** The log's folder (default `"log"`), lowest level (`"INFO"`), and whether it goes to standard error too (true). */
  log?: Pick<LogOptions, "folder" | "level" | "console">;
  /** A logger of the application's own, in place of file and console. */
  logger?: Logger;
  /** Time-outs, each with its default. */
  timeouts?: Partial<Timeouts>;
  /** Told of everything that happens, as it happens. */
  onEvent?: (event: ServerEvent) => void;
}

/** The name of a server that is given none. */
export const DEFAULT_SERVER_NAME = "fedlab";

function checkCount(
  name: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
    throw new RangeError(`Cannot make a server: expected ${name} of ${range}, got ${value}`);
  }
}

/**
 * The server's side of a communication agreement: who says what, and when. The model is the handler's business.
 *
 * Subclass it to define an agreement of your own; {@linkcode ServerSyncTop} is the synchronous one, {@linkcode ServerAsyncTop} the
 * asynchronous one.
 */
export abstract class ServerCommunicationTopology<
  Handler extends ServerBackendHandler = SyncServerBackendHandler,
> {
  /** What owns the global model. */
  readonly handler: Handler;
  /** The time-outs in force. */
  readonly timeouts: Timeouts;
  /** The options as given. */
  protected readonly options: Readonly<ServerTopologyOptions>;

  /** Joins a handler to a group that will gather. Nothing is opened before `run`. Throws a `RangeError` for an option out of range. */
  constructor(handler: Handler, options: ServerTopologyOptions) {
    checkCount("worldSize", options.worldSize, 2);
    checkCount("rounds", options.rounds, 1);
    if (options.minClients !== undefined) {
      checkCount("minClients", options.minClients, 1, options.worldSize - 1);
    }
    if (options.roundTries !== undefined) checkCount("roundTries", options.roundTries, 1);
    if (options.saveTries !== undefined) checkCount("saveTries", options.saveTries, 1);
    const { quorum = DEFAULT_QUORUM, gatekeeper, serverName = DEFAULT_SERVER_NAME } = options;
    // A name or a token that is of no use is better found here than when the first client comes.
    if (gatekeeper !== undefined) makeChallenge(gatekeeper, { server: serverName, run: "any" });
    if (!(quorum > 0 && quorum <= 1)) {
      throw new RangeError(
        `Cannot make a server: expected a quorum above 0 and at most 1, got ${quorum}`,
      );
    }
    peerLimitsOf(options.limits);
    this.handler = handler;
    this.timeouts = timeoutsOf(options.timeouts);
    this.options = options;
  }

  /** The whole run, from waiting for the clients to taking leave of them. */
  abstract run(options?: { signal?: AbortSignal }): Promise<RunReport>;

  /** What is done on a client's message. */
  abstract onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void>;

  /** Sends the global parameters to the clients whose turn it is. */
  protected abstract activateClients(): void;

  /** Waits for what they answer. */
  protected abstract listenClients(): Promise<void>;
}
