import type { EvaluateResult } from "../../plan/results.ts";
import { Evaluations } from "./evaluations.ts";
import { WeightedValues } from "./weighted_values.ts";

/** Running mean of the clients' training losses, weighted by number of samples. */
export class MeanLoss {
  readonly #losses = new WeightedValues();

  /** Adds the loss of an update. An update without a finite loss does not count. */
  add({ numSamples = 0, loss }: { numSamples?: number; loss?: number }): void {
    if (loss !== undefined && Number.isFinite(loss)) this.#losses.add(loss, numSamples);
  }

  /** The mean; `undefined` while there are no samples. */
  get mean(): number | undefined {
    const { mean } = this.#losses;
    return Number.isNaN(mean) ? undefined : mean;
  }
}

/** Averages evaluation results; see {@linkcode Evaluations.mean}. */
export function meanResult(results: readonly EvaluateResult[]): EvaluateResult | undefined {
  return Evaluations.of(results).mean;
}

/** Averages the clients' evaluation results; see {@linkcode Evaluations.meanOfClients}. */
export function meanOfClients(results: readonly EvaluateResult[]): EvaluateResult | undefined {
  return Evaluations.of(results).meanOfClients;
}

/** Returns `true` when more than half of the losses are not finite. */
export function isUnsound(results: readonly EvaluateResult[]): boolean {
  return Evaluations.of(results).isUnsound;
}
