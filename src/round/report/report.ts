/**
 * Machine-readable reports of runs and rounds.
 *
 * @module
 */

import type { ClientPrivacyReport } from "../../train/client_privacy.ts";
import type { Rank } from "../../base/rank.ts";
import type { ClassMetrics } from "../../train/metrics/class_metrics.ts";
import type { Metrics } from "../../plan/results.ts";
import type { LearningRateSchedule } from "../../plan/schedule.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { PrivacyReport } from "../../strategy/privacy.ts";
import type { SecureRunReport } from "../secure/report.ts";
import type { TrainingFields } from "./client_results.ts";
import type { ClientFigures } from "./distribution.ts";

/** Report of one round. */
export interface RoundReport extends TrainingFields {
  /** The round, from 1. */
  readonly round: number;
  /**
   * Ranks that were selected; in an asynchronous run, ranks whose updates were accepted. Empty
   * where the cohort is secret.
   */
  readonly cohort: readonly Rank[];
  /**
   * Number of updates in the new parameters; where the cohort is secret, the expected number. There
   * `dropped`, `refused` and the numbers of bytes are 0.
   */
  readonly received: number;
  /** Number of ranks that were selected, in any try, and did not answer. */
  readonly dropped: number;
  /** Number of updates that were refused: late, duplicate or not valid. */
  readonly refused: number;
  /** Number of tries of the round. */
  readonly tries: number;
  /**
   * Ranks that were selected, in any try, and did not answer or were refused, with the reason of
   * the last try in at most 200 characters. Only the first 100 of them.
   */
  readonly losses: readonly { readonly rank: Rank; readonly reason: string }[];
  /** Ranks past the first 100 of those, without reasons; absent when there are none. */
  readonly lossesOmitted?: readonly Rank[];
  /** Loss after the round; absent when nobody evaluates or it is not finite. */
  readonly loss?: number;
  /** Accuracy after the round, 0 to 1; absent without an evaluation or classes. */
  readonly accuracy?: number;
  /**
   * Metrics after the round: those of the task, over all samples together, and others as the server
   * gives them, or averaged over the clients that have them. One that is not defined, such as
   * `rocAuc` without samples of a class, is absent. At most 64; absent when nobody evaluates.
   */
  readonly metrics?: Metrics;
  /** The clients' own evaluations; absent when the clients do not evaluate. */
  readonly clients?: ClientFigures;
  /**
   * Ranks that were available and left out, because they had missed rounds or were refused: the
   * first 100. Absent for none.
   */
  readonly paused?: readonly Rank[];
  /**
   * Accepted updates whose change was far larger than the others', which a robust strategy
   * tolerates, with their sizes. Absent for none.
   */
  readonly outliers?: readonly { readonly rank: Rank; readonly reason: string }[];
  /** Learning rate of the round; absent without a schedule. */
  readonly learningRate?: number;
  /**
   * Staleness of each update in an asynchronous run: the number of versions made since its client
   * began. There, a round is a version of the model, and its cohort lists the ranks of its updates
   * in their order.
   */
  readonly staleness?: readonly number[];
  /** Bytes from clients to the server. */
  readonly bytesUp: number;
  /** Bytes from the server to clients. */
  readonly bytesDown: number;
  /** Bytes from clients to the server without the codec of the uplink; absent without one. */
  readonly bytesUpWhole?: number;
  /** Bytes from the server to clients without the codec of the downlink; absent without one. */
  readonly bytesDownWhole?: number;
  /**
   * Bytes of updates that came before the server could aggregate them, and were written to a
   * temporary file meanwhile. Absent for none.
   */
  readonly bytesSpilled?: number;
  /** Wall time of the round. */
  readonly seconds: number;
}

/** The evaluation of a run's final parameters. */
export interface FinalReport {
  /** Mean loss over the samples; absent when it is not finite. */
  readonly loss?: number;
  /** Accuracy, 0 to 1; absent when the model does not classify. */
  readonly accuracy?: number;
  /** Number of the samples. */
  readonly samples: number;
  /** Metrics of the task, as in {@linkcode RoundReport.metrics}. */
  readonly metrics?: Metrics;
  /** Metrics of each class or label; absent for more than 50 of them. */
  readonly classMetrics?: readonly ClassMetrics[];
  /**
   * Number of samples of each true class (row) that were classified as each class (column); absent
   * when the clients evaluate.
   */
  readonly confusion?: readonly (readonly number[])[];
  /** Accuracy on the samples of each class; `null` for a class without samples. */
  readonly perClass?: readonly (number | null)[];
  /**
   * Names of the classes, in the order of `confusion` and `perClass`; absent without these, and
   * where the server has no schema.
   */
  readonly classes?: readonly string[];
  /** Distribution of the clients' own evaluations; absent when the clients do not evaluate. */
  readonly clients?: ClientFigures;
}

/** Best round of a run. */
export interface BestRound {
  /** The round. */
  readonly round: number;
  /** Name of the figure. */
  readonly metric: string;
  /** Value of the figure. */
  readonly value: number;
}

/** End of a run before its last round. */
export interface EarlyStop {
  /** The last round. */
  readonly round: number;
  /** Reason, in one line. */
  readonly reason: string;
}

/** Change of the settings of training when a run was resumed. */
export interface PlanChange {
  /** First round with the new settings. */
  readonly round: number;
  /** Settings that differ, as they were before. */
  readonly from: Readonly<Record<string, unknown>>;
  /** Settings that differ, as they are since. */
  readonly to: Readonly<Record<string, unknown>>;
}

/** Report of one client of a run. */
export interface MemberReport {
  /** The rank. */
  readonly rank: Rank;
  /**
   * Proven identity: a key's fingerprint (`"SHA256:…"`), `"token"`, or `"open"` when the server
   * asks for no proof.
   */
  readonly identity: string;
  /** Name of its key in the server's list. */
  readonly name?: string;
  /** Name of its site, as claimed. */
  readonly site?: string;
  /** Its last address, such as `"tcp 10.0.0.7:5123"`. */
  readonly address?: string;
  /** Number of its training samples, as last claimed; absent in a run with masked updates. */
  readonly samples?: number;
  /** Number of its updates in the model. */
  readonly received: number;
  /** Number of its messages that were refused while it stayed in the run. */
  readonly refused: number;
  /** Number of rounds that it was selected for and that went on without it. */
  readonly dropped: number;
}

/** Machine-readable report of a run. */
export interface RunReport {
  /** Name and version of this format. */
  readonly schema: "fedlab.run/1";
  /** The run's seed. */
  readonly seed: number;
  /** Name of the strategy. */
  readonly strategy: string;
  /** Name of the transport. */
  readonly transport: string;
  /** Size of the group, the server included. */
  readonly worldSize: number;
  /** Build of the WASM kernels. The two builds may differ by rounding. */
  readonly kernels: string;
  /** `"exact"` where updates were added up exactly, in any order; absent for the running mean. */
  readonly aggregation?: "exact";
  /** Guarantee of a private run; absent for others. */
  readonly privacy?: PrivacyReport;
  /** Privacy of a simulation's clients by themselves: of the one that has spent most. */
  readonly clientPrivacy?: ClientPrivacyReport;
  /** Guarantee of secure aggregation; absent for a run without. */
  readonly secure?: SecureRunReport;
  /** Codec of the clients' updates; absent for none. */
  readonly uplink?: string;
  /** Codec of the parameters that clients are sent; absent for none. */
  readonly downlink?: string;
  /** The rounds, in order. */
  readonly rounds: readonly RoundReport[];
  /** The clients that have had a rank, in rank order; absent in a simulation and a private run. */
  readonly members?: readonly MemberReport[];
  /**
   * Evaluation of the final parameters; absent when nobody has evaluated them, as in a run that was
   * stopped between two evaluations.
   */
  readonly final?: FinalReport;
  /** Settings of the clients' training; absent in reports of earlier versions. */
  readonly plan?: TrainSettings;
  /** Schedule of the learning rate; absent for a constant one. */
  readonly schedule?: LearningRateSchedule;
  /** Changes of the settings when the run was resumed; absent for none. */
  readonly changes?: readonly PlanChange[];
  /**
   * Best round: by the metric to monitor, by default the accuracy, or the loss where there is no
   * accuracy. Absent when no round was evaluated.
   */
  readonly best?: BestRound;
  /** Last round and reason of a run that has stopped early; absent for others. */
  readonly stopped?: EarlyStop;
  /** SHA-256 of the final vector's bytes, in hexadecimal. */
  readonly modelDigest: string;
  /** Digest of the schema of the data; absent for a run without one. */
  readonly schemaDigest?: string;
  /** Wall time of the run. */
  readonly seconds: number;
}
