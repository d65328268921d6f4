/**
 * Averages values by their weights, summed in their order. Finite values have a finite mean,
 * however large values and weights are.
 *
 * @returns The mean, or NaN when the weights add up to 0.
 */
export function weightedMean(
  values: readonly (readonly [value: number, weight: number])[],
): number {
  const total = values.reduce((sum, [, weight]) => sum + weight, 0);
  const mean = values.reduce((sum, [value, weight]) => sum + value * weight, 0) / total;
  if (Number.isFinite(mean) || !(total > 0)) return mean;
  if (!values.every(([value]) => Number.isFinite(value))) return mean;
  // The products have overflowed; shares of the weights are at most 1.
  return values.reduce((sum, [value, weight]) => sum + value * (weight / total), 0);
}
