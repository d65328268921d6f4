/**
 * How a figure is spread over the clients.
 *
 * @module
 */

import type { EvaluateResult } from "../../plan/results.ts";

/** How a figure is spread over the clients, each of which counts once, however many samples it has. */
export interface Distribution {
  /** Number of clients. */
  readonly count: number;
  /** Mean over the clients. */
  readonly mean: number;
  /** Mean squared distance from the mean. */
  readonly variance: number;
  /** Mean of the worst tenth of the clients, rounded down but at least one: the lowest accuracies, the highest losses. */
  readonly worstDecile: number;
  /** Least value. */
  readonly smallest: number;
  /** Middle value; of an even number the mean of the two in the middle. */
  readonly median: number;
  /** Greatest value. */
  readonly largest: number;
}

/**
 * What the clients' own evaluations came to: mean, variance and worst tenth as in Li et al. 2020, "Fair Resource Allocation in Federated
 * Learning", section 4.
 */
export interface ClientFigures {
  /** Of the clients' accuracy; absent for models that do not classify. */
  readonly accuracy?: Distribution;
  /** Of the clients' loss, of those whose loss is finite; absent where none is. */
  readonly loss?: Distribution;
}

/** The figures of the clients that answered; `undefined` where none did. */
export function clientFigures(results: readonly EvaluateResult[]): ClientFigures | undefined {
  if (results.length === 0) return undefined;
  const accuracies = results.flatMap(({ accuracy }) => accuracy ?? []);
  const losses = results.map(({ loss }) => loss).filter(Number.isFinite);
  return {
    ...(accuracies.length === results.length &&
      { accuracy: distributionOf(accuracies, "low") }),
    ...(losses.length > 0 && { loss: distributionOf(losses, "high") }),
  };
}

/** How at least one value is spread, of a figure that is bad where it is low or high. */
function distributionOf(values: readonly number[], bad: "low" | "high"): Distribution {
  const count = values.length;
  const sorted = Float64Array.from(values).sort();
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
