import type { EvaluateResult } from "../plan/results.ts";
import { isUnsound } from "./evaluated.ts";

/** The figures' mean by samples, summed in their order; `undefined` where there are none. */
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
 * The mean of what clients have evaluated. A loss that is no finite number is left out as long as most clients have one: no single client decides that there is none.
 */
export function meanOfClients(results: readonly EvaluateResult[]): EvaluateResult | undefined {
  const mean = meanResult(results);
  if (mean === undefined || isUnsound(results)) return mean;
  const finite = meanResult(results.filter(({ loss }) => Number.isFinite(loss)));
  return { ...mean, loss: finite?.loss ?? NaN };
}
