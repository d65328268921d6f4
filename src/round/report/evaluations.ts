import type { EvaluateResult } from "../../plan/results.ts";
import { metricsOf } from "../../train/metrics/metrics.ts";
import { ownMetrics } from "../../train/metrics/own_metrics.ts";
import { MergedSums } from "./merged_sums.ts";
import { MetricMeans } from "./metric_means.ts";
import { WeightedValues } from "./weighted_values.ts";

/**
 * Evaluation results, of which no more is kept than their means and distributions take: some ten
 * numbers each, where a result has hundreds.
 */
export class Evaluations {
  /** Losses, also those that are not finite, weighted by number of samples. */
  readonly losses: WeightedValues = new WeightedValues();
  /** Accuracies of the results that have one. */
  readonly accuracies: WeightedValues = new WeightedValues();
  readonly #metrics = new MetricMeans();
  readonly #sums = new MergedSums();
  #numSamples = 0;

  /** Adds results in their order. */
  static of(results: Iterable<EvaluateResult>): Evaluations {
    const evaluations = new Evaluations();
    for (const result of results) evaluations.add(result);
    return evaluations;
  }

  /** Adds a result. */
  add(result: EvaluateResult): void {
    const { numSamples, loss, accuracy, sums } = result;
    this.#numSamples += numSamples;
    this.losses.add(loss, numSamples);
    // A figure that only some clients share is averaged over those.
    if (accuracy !== undefined) this.accuracies.add(accuracy, numSamples);
    this.#metrics.add(ownMetrics(result), numSamples);
    this.#sums.add(sums);
  }

  /** True when more than half of the losses are not finite. */
  get isUnsound(): boolean {
    const { count, finite } = this.losses;
    return count - finite.count > count / 2;
  }

  /**
   * Mean of the results, weighted by number of samples and summed in their order; `undefined` when
   * there are no samples. Metrics that follow from sums are those of all samples together.
   */
  get mean(): EvaluateResult | undefined {
    if (this.#numSamples === 0) return undefined;
    const { sums } = this.#sums, { means: own } = this.#metrics;
    return {
      // A client may claim any number of samples; a report has whole numbers that are exact.
      numSamples: Math.min(this.#numSamples, Number.MAX_SAFE_INTEGER),
      loss: this.losses.mean,
      ...(this.accuracies.count > 0 && { accuracy: this.accuracies.mean }),
      ...((own || sums) && { metrics: { ...own, ...sums && metricsOf(sums) } }),
      ...(sums && { sums }),
    };
  }

  /**
   * Mean of the results of clients. A loss that is not finite is left out as long as most clients
   * have a finite one, so that no single client can make the mean useless.
   */
  get meanOfClients(): EvaluateResult | undefined {
    const { mean } = this;
    if (mean === undefined || this.isUnsound) return mean;
    return { ...mean, loss: this.losses.finite.mean };
  }
}
