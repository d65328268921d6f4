/**
 * Options of a server.
 *
 * @module
 */

import { oneLine } from "../base/printable.ts";
import type { Rank } from "../base/rank.ts";
import type { Tracer } from "../base/tracer.ts";
import { checkInRange, SHARE } from "../base/check.ts";
import { type Gatekeeper, makeChallenge } from "../auth/challenge.ts";
import type { Logger, LogOptions } from "../base/log/log.ts";
import type { DistBackend } from "../net/backend.ts";
import type { Timeouts } from "../net/timeouts.ts";
import { DEFAULT_QUORUM } from "../round/limits.ts";
import type { StoppingOptions } from "../round/record/run_monitor.ts";
import type { RunControl } from "../round/run_control.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import { checkEarlyUpdates, type EarlyUpdateOptions } from "./uploads/early_updates.ts";
import { completePeerLimits, limitFlag, type PeerLimits } from "./sessions/peer_limits.ts";

/** Beginning of the message of an error about a server's options. */
export const PROBLEM = "Cannot make a server";

/** Options of a server: its address, its group, and the length of its run. */
export interface ServerTopologyOptions {
  /**
   * Address to listen on, in the form of the transport: `"HOST:PORT"` for TCP,
   * `"ws://HOST:PORT/PATH"` for WebSockets. Port 0 takes a free port.
   */
  listen: string;
  /** Number of processes, the server included, at least 2. */
  worldSize: number;
  /** Number of rounds, at least 1. */
  rounds: number;
  /**
   * Number of clients with which the run may begin once the join time-out has passed.
   *
   * @default {worldSize - 1}
   */
  minClients?: number;
  /**
   * Share of a round's wanted updates that completes the round, above 0 and at most 1, rounded up.
   * A round needs at least one update, no more than `minClients`, and at least as many as the
   * strategy needs (`fewestUpdates`). A round below the quorum is tried again with a new cohort.
   *
   * @default {0.5}
   */
  quorum?: number;
  /**
   * Number of tries with too few updates after which the run stops, and maximum number of updates
   * that a round leaves out because its model is not finite or evaluates to no number.
   *
   * @default {3}
   */
  roundTries?: number;
  /** Clients that may join. By default, every client that reaches the address. */
  gatekeeper?: Gatekeeper;
  /**
   * Name of the server, which clients sign when they prove their identity.
   *
   * @default {"fedlab"}
   */
  serverName?: string;
  /** Limits on the number of peers, each with its default. */
  limits?: Partial<PeerLimits>;
  /** Store of the checkpoints that are saved after each round. By default, none are saved. */
  checkpoints?: Checkpoints;
  /**
   * Number of failed saves in a row that stops the run, at least 1. After an earlier failure the
   * run continues, and the server tries again after the next round. A private run saves the model
   * of a round before it tells of it, and stops after some seconds of tries.
   *
   * @default {10}
   */
  saveTries?: number;
  /** Checkpoint of this server to resume from; the server waits for the clients of that run. */
  resume?: Checkpoint;
  /** Early stopping, and the best model. By default all rounds run, and no best model is kept. */
  stopping?: StoppingOptions;
  /** Further data to keep in each checkpoint; it must be serializable as JSON. */
  notes?: Readonly<Record<string, unknown>>;
  /** Ranks of an earlier run, which clients that ask for no rank get last. Default: none. */
  keptRanks?: readonly Rank[];
  /**
   * Tells the clients at the end to come back for another run at the same address.
   *
   * @default {false}
   */
  isFollowed?: boolean;
  /**
   * Transport.
   *
   * @default {"tcp"}
   */
  distBackend?: DistBackend;
  /**
   * Name of the log file in the log's folder, without `.txt`; `""` for no file.
   *
   * @default {"serverLog"}
   */
  loggerFile?: string;
  /**
   * Name in the lines of the log.
   *
   * @default {"server"}
   */
  loggerName?: string;
  /**
   * The log's folder (default `"log"`), its lowest level (`"INFO"`), and whether it is also written
   * to standard error (`true`).
   */
  log?: Pick<LogOptions, "folder" | "level" | "console" | "onLine">;
  /** Logger of the application, in place of the file and the console. */
  logger?: Logger;
  /** Time-outs, each with its default. */
  timeouts?: Partial<Timeouts>;
  /**
   * Privacy that clients are recommended for their own data, such as
   * `"record:epsilon=8,delta=1e-5,clip=1"`: one line of at most 128 characters. Each client decides
   * by itself; one without privacy of its own logs the recommendation.
   *
   * @default {undefined} None.
   */
  clientPrivacy?: string;
  /**
   * Updates that come before the server can aggregate them, which it keeps so that their clients
   * need not wait for others.
   */
  earlyUpdates?: EarlyUpdateOptions;
  /**
   * Number of clients of one address, at least 1, that are sent a round's parameters at a time.
   *
   * @default The server finds out which clients share a slow link, and sends to one of them at a
   * time; it sends to all others at once.
   */
  downloadsAtOnce?: number;
  /** Hold on the run from outside, to pause it and to drop clients. */
  control?: RunControl;
  /** Called with each event as it happens. */
  onEvent?: (event: ServerEvent) => void;
  /**
   * Observer of the steps of rounds, such as telemetry. Where cohorts are secret it is told of no
   * single client, and clients are sent no trace context.
   */
  tracer?: Tracer;
}

/** Name of a server without a name of its own. */
export const DEFAULT_SERVER_NAME = "fedlab";

/**
 * Checks the options of a server.
 *
 * @throws {RangeError} If an option is out of range.
 */
export function checkServerOptions(options: ServerTopologyOptions): void {
  const { worldSize, rounds, minClients, roundTries, saveTries, downloadsAtOnce } = options;
  const { quorum = DEFAULT_QUORUM, gatekeeper, serverName = DEFAULT_SERVER_NAME } = options;
  checkCount("worldSize", worldSize, 2);
  checkCount("rounds", rounds, 1);
  if (minClients !== undefined) checkCount("minClients", minClients, 1, worldSize - 1);
  if (roundTries !== undefined) checkCount("roundTries", roundTries, 1);
  if (downloadsAtOnce !== undefined) checkCount("downloadsAtOnce", downloadsAtOnce, 1);
  if (saveTries !== undefined) checkCount("saveTries", saveTries, 1);
  // An invalid name or token is reported here rather than when the first client joins.
  if (gatekeeper !== undefined) makeChallenge(gatekeeper, { server: serverName, run: "any" });
  const { clientPrivacy = "" } = options;
  if (clientPrivacy.length > 128 || oneLine(clientPrivacy) !== clientPrivacy) {
    throw new RangeError(
      `${PROBLEM}: expected clientPrivacy of one line of at most 128 characters, got ${clientPrivacy.length}`,
    );
  }
  checkInRange(quorum, SHARE, PROBLEM, "a quorum above 0 and at most 1");
  checkConnections(completePeerLimits(options.limits, worldSize), worldSize - 1);
  checkEarlyUpdates(options.earlyUpdates ?? {}, PROBLEM);
}

/**
 * Checks that all clients of the world may connect.
 *
 * @throws {RangeError} If not.
 */
function checkConnections({ connections }: PeerLimits, clients: number): void {
  if (connections >= clients) return;
  throw new RangeError(
    `${PROBLEM}: expected ${
      limitFlag("connections")
    } of at least ${clients}, the number of its clients, got ${connections}`,
  );
}

/**
 * Checks that an option is a whole number in a range.
 *
 * @throws {RangeError} If it is not.
 */
export function checkCount(
  name: string,
  value: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
  checkInRange(value, { whole: true, least, most }, PROBLEM, `${name} of ${range}`);
}
