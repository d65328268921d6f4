/**
 * Results of single clients in a round.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { EvaluateResult, Metrics } from "../../plan/results.ts";
import type { SecureRoundReport } from "../secure/report.ts";
import { MetricMeans } from "./metric_means.ts";
import { MeanLoss } from "./means.ts";

/** Maximum number of metrics of a client, and of means, in the report of a round. */
export const MAX_METRICS = 64;
/** Maximum number of clients whose results are in the report of a round. */
export const MAX_REPORTED_CLIENTS = 100;
/** Maximum number of ranks in a line. */
const MAX_NAMED = 20;
/** Maximum number of metrics of all clients together in a list of results. */
const MAX_REPORTED_METRICS = 1000;

/** Result of one client's training in a round. */
export interface ClientTraining {
  /** Rank of the client. */
  readonly rank: Rank;
  /** Number of its training samples. */
  readonly samples: number;
  /** Number of its steps; absent when the client has not told it. */
  readonly steps?: number;
  /** Mean loss of its last local epoch; absent when it is not finite or not shared. */
  readonly loss?: number;
  /** Further figures by name, at most 64; absent for none. */
  readonly metrics?: Metrics;
}

/** Result of one client's evaluation in a round. */
export interface ClientEvaluation {
  /** Rank of the client. */
  readonly rank: Rank;
  /** Name of its site, as claimed; absent where it has none. */
  readonly site?: string;
  /** Number of the samples that it evaluated on. */
  readonly samples: number;
  /** Mean loss over the samples; absent when it is not finite. */
  readonly loss?: number;
  /** Accuracy, 0 to 1; absent when the model does not classify, or it is not shared. */
  readonly accuracy?: number;
  /** Further figures by name, at most 64; absent for none. */
  readonly metrics?: Metrics;
  /** `true` where the samples are those that it trains on, as far as it tells. */
  readonly onTrainingRows?: boolean;
}

/** Result of an evaluation with the rank of its client. */
export interface RankedResult extends EvaluateResult {
  /** Rank of the client. */
  readonly rank: Rank;
  /** Name of its site. */
  readonly site?: string;
}

/** Returns the first 64 finite metrics; `undefined` for none. */
export function reportedMetrics(metrics: Metrics | undefined): Metrics | undefined {
  if (metrics === undefined) return undefined;
  const reported: [name: string, value: number][] = [];
  for (const name of Object.keys(metrics)) {
    const value = metrics[name] ?? NaN;
    if (Number.isFinite(value) && reported.push([name, value]) === MAX_METRICS) break;
  }
  return reported.length === 0 ? undefined : Object.fromEntries(reported);
}

/** Makes the report of a client's evaluation. */
export function clientEvaluation(
  { rank, site, numSamples: samples, loss, accuracy, metrics, onTrainingRows }: RankedResult,
): ClientEvaluation {
  const reported = reportedMetrics(metrics);
  return {
    rank,
    ...(site !== undefined && { site }),
    samples,
    ...(Number.isFinite(loss) && { loss }),
    ...(accuracy !== undefined && { accuracy }),
    ...(reported && { metrics: reported }),
    ...(onTrainingRows && { onTrainingRows }),
  };
}

/**
 * Describes results of which some are on rows to train on and others on rows that were held out;
 * `undefined` if all are of one kind.
 */
export function mixedRows(
  results: readonly { readonly rank: Rank; readonly onTrainingRows?: boolean }[],
): string | undefined {
  const onTraining = results.filter(({ onTrainingRows = false }) => onTrainingRows);
  if (onTraining.length === 0 || onTraining.length === results.length) return undefined;
  const ranks = onTraining.slice(0, MAX_NAMED).map(({ rank }) => rank).join(", ");
  const more = onTraining.length > MAX_NAMED ? ` and ${onTraining.length - MAX_NAMED} more` : "";
  return `The figures mix rows that were held out with rows that clients train on, those of rank ${ranks}${more} (client --hold-out)`;
}

/** Returns the first 100 results. Beyond 1000 metrics in total, clients are listed without them. */
export function firstResults<Result extends { readonly metrics?: Metrics }>(
  results: readonly Result[],
): Result[] {
  let total = 0;
  return results.slice(0, MAX_REPORTED_CLIENTS).map((result) => {
    total += Object.keys(result.metrics ?? {}).length;
    if (total <= MAX_REPORTED_METRICS) return result;
    const { metrics: _, ...rest } = result;
    return rest as Result;
  });
}

/** Results of the training of a round, in the order in which they are added. */
export class TrainingResults {
  readonly #loss = new MeanLoss();
  readonly #metrics = new MetricMeans();
  readonly #byRank: ClientTraining[] = [];

  /** Adds the figures of an accepted update. */
  add(
    rank: Rank,
    update: {
      readonly numSamples?: number;
      readonly steps?: number;
      readonly loss?: number;
      readonly metrics?: Metrics;
    },
  ): void {
    const { numSamples = 0, steps, loss } = update;
    const metrics = reportedMetrics(update.metrics);
    this.#loss.add(update);
    this.#metrics.add(metrics, numSamples);
    if (this.#byRank.length >= MAX_REPORTED_CLIENTS) return;
    this.#byRank.push({
      rank,
      samples: numSamples,
      ...(steps !== undefined && { steps }),
      ...(loss !== undefined && Number.isFinite(loss) && { loss }),
      ...(metrics && { metrics }),
    });
  }

  /** Fields of the report of the round. */
  get report(): TrainingFields {
    const { mean: trainLoss } = this.#loss, { means: trainMetrics } = this.#metrics;
    return {
      ...(trainLoss !== undefined && { trainLoss }),
      ...(trainMetrics && { trainMetrics }),
      ...(this.#byRank.length > 0 && { trainByRank: firstResults(this.#byRank) }),
    };
  }
}

/** Fields of a round's report about the training of its clients. */
export interface TrainingFields {
  /** Mean of the training losses that clients reported, weighted by number of samples. */
  readonly trainLoss?: number;
  /**
   * Means of the further figures of training, each over the clients that reported it, weighted by
   * number of samples. The first 64 names; absent for none.
   */
  readonly trainMetrics?: Metrics;
  /**
   * Results of training of the first 100 clients whose updates are in the model, in the order of
   * acceptance, which is that of ranks in a synchronous run. Absent for none.
   */
  readonly trainByRank?: readonly ClientTraining[];
  /** Session of secure aggregation whose sum is in the model; absent where updates had no masks. */
  readonly secure?: SecureRoundReport;
}
