/**
 * View of a run: what the dashboard's page is sent.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import type { Metrics } from "../plan/results.ts";
import type { Distribution } from "../round/report/distribution.ts";
import type { BestRound, FinalReport } from "../round/report/report.ts";
import type { PrivacyReport } from "../strategy/privacy.ts";

/** Stage of a run. */
export type RunStage = "joining" | "running" | "finished" | "stopped";

/** Facts about a run that do not change while it runs. */
export interface RunIdentity {
  /** Text that names the run in addresses. */
  readonly id: string;
  /** Name for people, such as that of its folder. */
  readonly name: string;
  /** Command that runs it, such as `"server"`. */
  readonly command: string;
  /** Name of the strategy; empty while it is not known. */
  readonly strategy: string;
  /** Time of its start in milliseconds since 1970; absent where it is not known. */
  readonly startedAt?: number;
  /** Options that it was given. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Digest of the schema of its data, and the names of its classes. */
  readonly schema?: { readonly digest?: string; readonly classes?: readonly string[] };
}

/** State of a run that changes with each event. */
export interface RunHead {
  /** Stage of the run. */
  readonly stage: RunStage;
  /** Progress of the joining, or the reason of a stop. */
  readonly note?: string;
  /** Is true if no further round begins until someone lets the run go on. */
  readonly isPaused?: boolean;
  /** Number of rounds, as far as it is known. */
  readonly rounds: number;
  /** Last round that has ended. */
  readonly round: number;
  /** Bytes from clients so far. */
  readonly bytesUp: number;
  /** Bytes to clients so far. */
  readonly bytesDown: number;
  /** Bytes from clients that there would have been without a codec. */
  readonly bytesUpWhole: number;
  /** Bytes to clients that there would have been without a codec. */
  readonly bytesDownWhole: number;
  /** Number of refused updates, by fault. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Number of clients by state. */
  readonly clients: Readonly<Record<ClientState, number>>;
  /** Clients without a row, past the first {@linkcode MAX_ROWS}. */
  readonly clientsOmitted: number;
  /** Time of the last event in milliseconds since 1970. */
  readonly updatedAt?: number;
  /** Best round so far, once the run has ended. */
  readonly best?: BestRound;
  /** Evaluation of the final model. */
  readonly final?: FinalReport;
  /** Guarantee of a private run. */
  readonly privacy?: PrivacyReport;
  /** Digest of the final model. */
  readonly modelDigest?: string;
}

/** Figures of one round. */
export interface RoundPoint {
  /** The round, from 1. */
  readonly round: number;
  /** Loss after the round. */
  readonly loss?: number;
  /** Accuracy after the round, 0 to 1. */
  readonly accuracy?: number;
  /** Mean loss of the clients' training. */
  readonly trainLoss?: number;
  /** Further figures by name. */
  readonly metrics?: Metrics;
  /** Distributions over the clients' own evaluations. */
  readonly clients?: { readonly accuracy?: Distribution; readonly loss?: Distribution };
  /** Number of updates in the model. */
  readonly received: number;
  /** Number of clients that did not answer. */
  readonly dropped: number;
  /** Number of refused updates. */
  readonly refused: number;
  /** Number of tries. */
  readonly tries: number;
  /** Bytes from clients. */
  readonly bytesUp: number;
  /** Bytes to clients. */
  readonly bytesDown: number;
  /** Wall time. */
  readonly seconds: number;
}

/** State of a client: connected, connection lost, or gone for good. */
export type ClientState = "present" | "away" | "left";

/** Row of the table of clients. */
export interface ClientRow {
  /** The rank. */
  readonly rank: Rank;
  /** State of its connection. */
  readonly state: ClientState;
  /** Name of its key in the server's list, or that of its site as claimed. */
  readonly name?: string;
  /** Fingerprint of its key, `"token"` or `"open"`. */
  readonly identity?: string;
  /** Its last address. */
  readonly address?: string;
  /** Name and version of its program, as claimed. */
  readonly agent?: string;
  /** Number of its training samples, as claimed. */
  readonly samples?: number;
  /** Last round that has an update of it. */
  readonly round?: number;
  /** Time from the start of that round to its update, in seconds. */
  readonly seconds?: number;
  /** Mean of these times, in which a round counts a tenth less with each one after it. */
  readonly meanSeconds?: number;
  /** Part of that time from the first bytes of the update to the last one. */
  readonly uploadSeconds?: number;
  /** Loss of its last training or evaluation. */
  readonly loss?: number;
  /** Accuracy of its last evaluation. */
  readonly accuracy?: number;
  /** Further figures of its last training. */
  readonly metrics?: Metrics;
  /** Number of its updates that were accepted, and of those that were refused. */
  readonly received: number;
  /** Number of its updates that were refused. */
  readonly refused: number;
  /** Reason of the last refusal or lost connection. */
  readonly trouble?: string;
}

/** Round under way. */
export interface OpenRound {
  /** The round, from 1. */
  readonly round: number;
  /** Time of its start in milliseconds since 1970. */
  readonly startedAt: number;
  /** Number of updates that are in. */
  readonly received: number;
  /** Number of updates that are expected. */
  readonly expected: number;
  /** The cohort; empty where it is secret or has more than {@linkcode MAX_DOTS} clients. */
  readonly cohort: readonly Rank[];
  /**
   * A letter for each client of the cohort: `.` awaited, `u` its update is coming, `i` it is in and
   * waits for those of lower ranks, `r` received, `x` refused, `a` connection lost.
   */
  readonly states: string;
}

/** Line of the list of events. */
export interface EventLine {
  /** Time in milliseconds since 1970. */
  readonly at: number;
  /** Type of the event. */
  readonly type: string;
  /** Description in one line. */
  readonly text: string;
  /** Is true for what may need attention. */
  readonly isTrouble?: boolean;
}

/** View of a run. */
export interface RunView {
  /** Name and version of this format. */
  readonly schema: "fedlab.view/1";
  /** Facts that do not change. */
  readonly run: RunIdentity;
  /** State that changes with each event. */
  readonly head: RunHead;
  /** Round under way; absent between two rounds. */
  readonly open?: OpenRound;
  /** Rounds that have ended, in order. */
  readonly points: readonly RoundPoint[];
  /** Table of clients. */
  readonly clients: readonly ClientRow[];
  /** Last events, the oldest first. */
  readonly events: readonly EventLine[];
}

/**
 * Change of a view: the parts that are there replace those of the view; points and events are
 * added at the end, rows of clients replace those of their rank. `open` is `null` once the round
 * has ended.
 */
export interface ViewChange {
  /** New state. */
  readonly head?: RunHead;
  /** New state of the round under way. */
  readonly open?: OpenRound | null;
  /** Rounds that have ended since. */
  readonly points?: readonly RoundPoint[];
  /** Rows that have changed. */
  readonly clients?: readonly ClientRow[];
  /** Events since. */
  readonly events?: readonly EventLine[];
}

/** Largest number of rows of the table of clients. */
export const MAX_ROWS = 10_000;
/** Largest cohort whose clients have a dot each. */
export const MAX_DOTS = 2000;
/** Number of events that are kept. */
export const MAX_EVENTS = 200;

/** Options of a `RunState`. */
export interface RunStateOptions {
  /** Rounds of the whole run, before its first event tells them. */
  readonly rounds?: number;
  /** Returns what a private run has spent so far; `undefined` for any other run. */
  readonly privacy?: () => PrivacyReport | undefined;
}
