/**
 * Averages values by their weights, summed in their order. Finite values have a finite mean,
 * however large values and weights are.
 *
 * @returns The mean, or NaN when the weights add up to 0.
 */
export function weightedMean(
  values: readonly (readonly [value: number, weight: number])[],
): number {
  let total = 0, sum = 0;
  for (const pair of values) {
    // An iterator for each pair would cost more than the sums.
    const value = pair[0], weight = pair[1];
    total += weight;
    sum += value * weight;
  }
  const mean = sum / total;
  if (Number.isFinite(mean) || !(total > 0)) return mean;
  if (!values.every(([value]) => Number.isFinite(value))) return mean;
  // The products have overflowed; shares of the weights are at most 1.
  return values.reduce((sum, [value, weight]) => sum + value * (weight / total), 0);
}
