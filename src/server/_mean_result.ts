import type { EvaluateResult } from "../train/handler.ts";

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
