import type { EvaluateResult } from "../../plan/results.ts";

/** Running mean of the clients' training losses, weighted by number of samples. */
export class MeanLoss {
  #loss = 0;
  #samples = 0;

  /** Adds the loss of an update. An update without a finite loss does not count. */
  add({ numSamples = 0, loss }: { numSamples?: number; loss?: number }): void {
    if (loss === undefined || !Number.isFinite(loss)) return;
    this.#loss += loss * numSamples;
    this.#samples += numSamples;
  }

  /** The mean; `undefined` while there are no samples. */
  get mean(): number | undefined {
    return this.#samples === 0 ? undefined : this.#loss / this.#samples;
  }
}

/**
 * Averages evaluation results, weighted by number of samples and summed in their order.
 *
 * @returns The mean, or `undefined` when there are no samples.
 */
export function meanResult(results: readonly EvaluateResult[]): EvaluateResult | undefined {
  const numSamples = results.reduce((sum, result) => sum + result.numSamples, 0);
  if (numSamples === 0) return undefined;
  const mean = (figure: (result: EvaluateResult) => number) =>
    results.reduce((sum, result) => sum + figure(result) * result.numSamples, 0) / numSamples;
  return {
    numSamples,
    loss: mean(({ loss }) => loss),
    ...(results.every(({ accuracy }) => accuracy !== undefined) &&
      { accuracy: mean(({ accuracy = 0 }) => accuracy) }),
  };
}

/**
 * Averages the clients' evaluation results. A loss that is not finite is left out as long as most
 * clients have a finite one, so that no single client can make the mean useless.
 */
export function meanOfClients(results: readonly EvaluateResult[]): EvaluateResult | undefined {
  const mean = meanResult(results);
  if (mean === undefined || isUnsound(results)) return mean;
  const finite = meanResult(results.filter(({ loss }) => Number.isFinite(loss)));
  return { ...mean, loss: finite?.loss ?? NaN };
}

/** Returns `true` when more than half of the losses are not finite. */
export function isUnsound(results: readonly EvaluateResult[]): boolean {
  return results.filter(({ loss }) => !Number.isFinite(loss)).length > results.length / 2;
}
