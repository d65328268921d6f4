/**
 * Results of local training and of evaluation.
 *
 * @module
 */

import type { ParameterVector } from "../params/manifest.ts";
import type { MetricSums } from "./metric_sums.ts";

/** Figures by name. Those that are not finite are neither sent nor reported. */
export type Metrics = Readonly<Record<string, number>>;

/** Returns the figures that are finite. */
export function finiteMetrics(metrics: Metrics): Metrics {
  for (const name in metrics) {
    if (Number.isFinite(metrics[name])) continue;
    return Object.fromEntries(
      Object.entries(metrics).filter(([, value]) => Number.isFinite(value)),
    );
  }
  return { ...metrics };
}

/** Result of a client's training in a round. */
export interface TrainResult {
  /** Number of the client's training samples: its weight in the mean. */
  readonly numSamples: number;
  /** Number of SGD steps. */
  readonly steps: number;
  /** Mean loss over the samples of the last epoch. */
  readonly loss: number;
  /** Further figures by name, such as `accuracy`. */
  readonly metrics: Metrics;
}

/** Gradient of the loss on a client's data. */
export interface GradientResult {
  /**
   * Gradient of the mean loss over the samples, laid out as the parameter vector, 0 where nothing
   * is trained; a view that the next training overwrites.
   */
  readonly gradient: ParameterVector;
  /** Number of the client's training samples: the gradient's weight in the mean. */
  readonly numSamples: number;
  /** Mean loss over the samples. */
  readonly loss: number;
  /** Further figures by name, such as `accuracy`. */
  readonly metrics: Metrics;
}

/** Result of evaluating a model on some data. */
export interface EvaluateResult {
  /** Number of samples the figures are taken over. */
  readonly numSamples: number;
  /** Mean loss over the samples. */
  readonly loss: number;
  /**
   * Share of the samples that are classified correctly, from 0 to 1; absent for models that do not
   * classify.
   */
  readonly accuracy?: number;
  /**
   * Further figures by name, such as `f1`. The built-in handlers give those of the model's task,
   * which docs/METRICS.md describes; one that is not defined, such as `rocAuc` where a class has no
   * samples, is absent.
   */
  readonly metrics?: Metrics;
  /** Sums that metrics are derived from; those of several clients add up. */
  readonly sums?: MetricSums;
  /**
   * `true` where the samples are those that the client trains on, on which a model looks better
   * than it is.
   */
  readonly onTrainingRows?: boolean;
  /**
   * Confusion matrix of a classifier, where it was asked for: a row for each true class, with the
   * number of times that each class was the answer. If the model has more outputs than the data
   * have classes, a last column counts the answers beyond them. It is never sent.
   */
  readonly confusion?: readonly (readonly number[])[];
}
