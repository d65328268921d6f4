/**
 * Distribution of a figure over the clients.
 *
 * @module
 */

import {
  type ClientEvaluation,
  clientEvaluation,
  firstResults,
  type RankedResult,
} from "./client_results.ts";
import type { Evaluations } from "./evaluations.ts";

/** Distribution of a figure over the clients. Each client counts once, whatever its samples. */
export interface Distribution {
  /** Number of clients. */
  readonly count: number;
  /** Mean over the clients. */
  readonly mean: number;
  /** Mean squared distance from the mean. */
  readonly variance: number;
  /**
   * Mean of the worst tenth of the clients, rounded down but at least one: the lowest accuracies,
   * or the highest losses.
   */
  readonly worstDecile: number;
  /** Minimum. */
  readonly smallest: number;
  /** Median: for an even count, the mean of the two middle values. */
  readonly median: number;
  /** Maximum. */
  readonly largest: number;
}

/**
 * Distributions of the clients' own evaluation results: mean, variance and worst tenth as in Li et
 * al. 2020, "Fair Resource Allocation in Federated Learning", section 4.
 */
export interface ClientFigures {
  /** Distribution of the accuracies; absent when no client has one. */
  readonly accuracy?: Distribution;
  /** Distribution of the finite losses; absent when there are none. */
  readonly loss?: Distribution;
  /** Results of the first 100 clients that have answered, by rank. */
  readonly byRank?: readonly ClientEvaluation[];
}

/**
 * Computes the distributions of the clients' results; `undefined` when there are no results.
 *
 * @param first The first results, at least 100 of them if there are as many.
 */
export function clientFigures(
  { accuracies, losses }: Evaluations,
  first: readonly RankedResult[],
): ClientFigures | undefined {
  if (losses.count === 0) return undefined;
  const finite = losses.finite.values, { values } = accuracies;
  return {
    ...(values.length > 0 && { accuracy: distributionOf(values, "low") }),
    ...(finite.length > 0 && { loss: distributionOf(finite, "high") }),
    byRank: firstResults(first.map(clientEvaluation)),
  };
}

/** Computes the distribution of one or more values of a figure whose low or high values are bad. */
function distributionOf(values: Float64Array, bad: "low" | "high"): Distribution {
  const count = values.length;
  const sorted = values.toSorted();
  const tenth = Math.max(1, Math.floor(count / 10));
  const mean = meanOf(sorted);
  return {
    count,
    mean,
    variance: meanOf(sorted.map((value) => (value - mean) ** 2)),
    worstDecile: meanOf(bad === "low" ? sorted.subarray(0, tenth) : sorted.subarray(-tenth)),
    smallest: sorted.at(0) ?? NaN,
    median: meanOf(sorted.subarray((count - 1) >> 1, (count >> 1) + 1)),
    largest: sorted.at(-1) ?? NaN,
  };
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
