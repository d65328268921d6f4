import type { EvaluateResult } from "../../plan/results.ts";
import { metricsOf } from "../../train/metrics/metrics.ts";
import { mergedSums } from "./merged_sums.ts";
import { ownMetrics } from "../../train/metrics/own_metrics.ts";
import { MetricMeans } from "./metric_means.ts";
import { weightedMean } from "./weighted_mean.ts";

/** Running mean of the clients' training losses, weighted by number of samples. */
export class MeanLoss {
  readonly #losses: [loss: number, numSamples: number][] = [];

  /** Adds the loss of an update. An update without a finite loss does not count. */
  add({ numSamples = 0, loss }: { numSamples?: number; loss?: number }): void {
    if (loss !== undefined && Number.isFinite(loss)) this.#losses.push([loss, numSamples]);
  }

  /** The mean; `undefined` while there are no samples. */
  get mean(): number | undefined {
    const mean = weightedMean(this.#losses);
    return Number.isNaN(mean) ? undefined : mean;
  }
}

/**
 * Averages evaluation results, weighted by number of samples and summed in their order. Metrics
 * that follow from sums are those of all samples together.
 *
 * @returns The mean, or `undefined` when there are no samples.
 */
export function meanResult(results: readonly EvaluateResult[]): EvaluateResult | undefined {
  const numSamples = results.reduce((sum, result) => sum + result.numSamples, 0);
  if (numSamples === 0) return undefined;
  const sums = mergedSums(results);
  const mean = (figure: (result: EvaluateResult) => number) =>
    weightedMean(results.map((result) => [figure(result), result.numSamples]));
  // A figure that only some clients share is averaged over those.
  const accuracies = results.flatMap(({ accuracy, numSamples }) =>
    accuracy === undefined ? [] : [[accuracy, numSamples] as const]
  );
  const metrics = new MetricMeans();
  for (const result of results) metrics.add(ownMetrics(result), result.numSamples);
  const { means: own } = metrics;
  return {
    // A client may claim any number of samples; a report has whole numbers that are exact.
    numSamples: Math.min(numSamples, Number.MAX_SAFE_INTEGER),
    loss: mean(({ loss }) => loss),
    ...(accuracies.length > 0 && { accuracy: weightedMean(accuracies) }),
    ...((own || sums) && { metrics: { ...own, ...sums && metricsOf(sums) } }),
    ...(sums && { sums }),
  };
}

/**
 * Averages the clients' evaluation results. A loss that is not finite is left out as long as most
 * clients have a finite one, so that no single client can make the mean useless.
 */
export function meanOfClients(results: readonly EvaluateResult[]): EvaluateResult | undefined {
  const mean = meanResult(results);
  if (mean === undefined || isUnsound(results)) return mean;
  const finite = results.filter(({ loss }) => Number.isFinite(loss));
  return { ...mean, loss: weightedMean(finite.map(({ loss, numSamples }) => [loss, numSamples])) };
}

/** Returns `true` when more than half of the losses are not finite. */
export function isUnsound(results: readonly EvaluateResult[]): boolean {
  return results.filter(({ loss }) => !Number.isFinite(loss)).length > results.length / 2;
}
