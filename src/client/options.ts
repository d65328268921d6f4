import { AT_LEAST_ONE, checkInRange } from "../base/check.ts";
import type { AllowedKeys } from "../auth/allowed_keys.ts";
import { oneLine, shortened } from "../base/printable.ts";
import type { Codec } from "../codec/codec.ts";
import type { Credential } from "../auth/challenge.ts";
import type { Logger, LogOptions } from "../base/log/log.ts";
import type { Rank } from "../base/rank.ts";
import type { Tracer } from "../base/tracer.ts";
import type { Schema } from "../data/schema/schema.ts";
import type { StatisticsSharing } from "../data/statistics/answer.ts";
import type { DistBackend } from "../net/backend.ts";
import type { Timeouts } from "../net/timeouts.ts";
import type { OwnSettings } from "../plan/own_settings.ts";
import type { ClientEvent } from "./events.ts";
import { checkRequiredPrivacy } from "./required_privacy.ts";
import { SITE_LENGTH } from "../wire/messages/registration.ts";

/** Limits on the figures of a client's data that a server may ask for. */
export interface ClientStatisticsOptions {
  /**
   * Fewest rows that a figure may be about, at least 1. It raises the number that the server states
   * and never lowers it.
   *
   * @default {1}
   */
  minCount?: number;
  /**
   * Extent to which figures travel: `"none"` sends none, `"total"` sends them for the sum over all
   * clients, `"site"` allows that they are shown by themselves.
   *
   * @default {"total"}
   */
  share?: StatisticsSharing;
}

/** Figures that a client tells the server besides its number of samples and steps. */
export type SharedMetrics = "none" | "loss" | "all";

/** Choices of the figures that a client shares. */
export const SHARED_METRICS: readonly SharedMetrics[] = ["none", "loss", "all"];

/** Options of a client topology: the group to join, the log and the time-outs. */
export interface ClientTopologyOptions {
  /**
   * The server's address, in the form of the transport: `"HOST:PORT"` for TCP,
   * `"ws://HOST:PORT/PATH"` for WebSockets.
   */
  serverAddr: string;
  /** Number of processes, the server included. When given, it must be the server's. */
  worldSize?: number;
  /** The rank to take, 1 to `worldSize - 1`. Default: the server assigns the lowest free one. */
  rank?: Rank;
  /**
   * Name of the client's site, such as a hospital's, for the server's log and report: one line of
   * at most 64 characters. It proves nothing.
   *
   * @default {undefined} None: the client is known by its rank.
   */
  site?: string;
  /**
   * The transport.
   *
   * @default {"tcp"}
   */
  distBackend?: DistBackend;
  /** Credential that proves the client's identity to a server that asks for it. Default: none. */
  credential?: Credential;
  /** The name that a server that asks for a proof must have. Default: any name. */
  serverName?: string;
  /**
   * Schema that the run must have. It stands in for that of a server that sends none, which a
   * client whose data have named columns refuses without it.
   *
   * @default {undefined} The server's schema.
   */
  schema?: Schema;
  /**
   * Log file in the log's folder. The rank and `.txt` are added to it; `""` for none.
   *
   * @default {"clientLog"}
   */
  loggerFile?: string;
  /** Name in the lines of the log. Default `"client-RANK"`. */
  loggerName?: string;
  /**
   * The log's folder (default `"log"`), its lowest level (`"INFO"`), and whether it is written to
   * standard error too (`true`).
   */
  log?: Pick<LogOptions, "folder" | "level" | "console" | "onLine">;
  /** The application's own logger, in place of file and console. */
  logger?: Logger;
  /** Limits on the figures of the client's data that a server may ask for. */
  statistics?: ClientStatisticsOptions;
  /**
   * Figures of training and evaluation that are sent to the server: `"none"`, the `"loss"` alone,
   * or `"all"`. A client that shares none cannot join a run whose algorithm needs the loss, as
   * q-FedAvg does.
   *
   * @default {"all"}
   */
  shareMetrics?: SharedMetrics;
  /**
   * Set if the client sends its updates to servers with secure aggregation alone: to any other it
   * says why, and leaves.
   *
   * @default {false}
   */
  requireSecure?: boolean;
  /**
   * Smallest number of members among whom the client's update is hidden, itself included, from 3.
   * It takes part in no session of fewer, whatever the server says.
   *
   * @default {5}
   */
  secureMinMembers?: number;
  /**
   * Public keys of the federation's clients. The client then takes part in secure aggregation
   * alone, and only among members whose keys are signed by these and which vote for the survivors:
   * a server that lies cannot take the place of members. Keys that have expired do not count. It
   * needs a credential of kind `"key"`.
   *
   * @default {undefined} The client believes the server's list of members.
   */
  secureKeys?: Pick<AllowedKeys, "has" | "get">;
  /**
   * Largest ε of the differential privacy that a server must announce for all data of a client,
   * above 0. The client leaves a server whose run guarantees less, or nothing. It takes the
   * server's word.
   *
   * @default {undefined} No privacy is required.
   */
  privacyMaxEpsilon?: number;
  /**
   * Largest δ beside `privacyMaxEpsilon`, above 0 and below 1.
   *
   * @default {1e-5}
   */
  privacyMaxDelta?: number;
  /**
   * Settings of training in place of the server's, as far as the server allows it.
   *
   * @default {{}} The client trains as the server says.
   */
  settings?: OwnSettings;
  /**
   * Codecs of the client's own, which a server may choose by name, besides those of
   * `@fedlab/core/codec`.
   *
   * @default {[]}
   */
  codecs?: readonly Codec[];
  /** Called for each event, as it happens. */
  onEvent?: (event: ClientEvent) => void;
  /**
   * Observer of the steps of rounds, such as telemetry. In a private run it is told only of rounds
   * for which the server has sent a trace context: others may not tell who took part in them.
   */
  tracer?: Tracer;
  /** Time-outs; those left out have their defaults. */
  timeouts?: Partial<Timeouts>;
}

/** Options of a topology's `run`. */
export interface RunOptions {
  /** Ends the run: the peers are told, then `run` rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Tells whether a text can be the name of a site: one line, visible and not too long. */
export function isSiteName(text: string): boolean {
  return text.trim() !== "" && text.length <= SITE_LENGTH && oneLine(text) === text;
}

/** Returns options by which no figures of the client's data are told. */
export function withoutFigures(options: ClientTopologyOptions): ClientTopologyOptions {
  return {
    ...options,
    shareMetrics: "none",
    statistics: { ...options.statistics, share: "none" },
  };
}

const PROBLEM = "Cannot make a client";

/** Throws a `RangeError` for a rank, a world size, a count or a name that is out of range. */
export function checkPlace(
  { rank, worldSize, site, statistics = {}, secureMinMembers = 5, ...required }:
    ClientTopologyOptions,
): void {
  const members = { whole: true, least: 3 };
  checkInRange(secureMinMembers, members, PROBLEM, "secureMinMembers from 3");
  if (required.secureKeys !== undefined && required.credential?.kind !== "key") {
    throw new RangeError(`${PROBLEM}: expected a credential of a key with secureKeys, got none`);
  }
  checkRequiredPrivacy(required);
  if (site !== undefined && !isSiteName(site)) {
    throw new RangeError(
      `${PROBLEM}: expected the name of a site of 1 to ${SITE_LENGTH} visible characters, got ${
        JSON.stringify(shortened(oneLine(site), SITE_LENGTH))
      }`,
    );
  }
  if (rank !== undefined) checkInRange(rank, AT_LEAST_ONE, PROBLEM, "a rank of at least 1");
  const { minCount } = statistics;
  if (minCount !== undefined) {
    checkInRange(minCount, AT_LEAST_ONE, PROBLEM, "a minCount of at least 1");
  }
  if (worldSize !== undefined) {
    checkInRange(worldSize, { whole: true, least: 2 }, PROBLEM, "a world size of at least 2");
  }
  if (rank !== undefined && worldSize !== undefined) {
    checkInRange(rank, { below: worldSize }, PROBLEM, `a rank from 1 to ${worldSize - 1}`);
  }
}
