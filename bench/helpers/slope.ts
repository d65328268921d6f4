/** Cost of a size. */
export interface SizeCost {
  readonly size: number;
  /** Time or another cost, above 0. */
  readonly cost: number;
}

/**
 * Fits `cost = c · size^exponent` by least squares of the logarithms, and returns the exponent: 1
 * for a cost that grows in a straight line, 0 for one that does not depend on the size.
 */
export function exponentOf(costs: readonly SizeCost[]): number {
  const points = costs.map(({ size, cost }) => [Math.log(size), Math.log(cost)] as const);
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([x]) => x)), y = mean(points.map(([, y]) => y));
  const shared = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return shared / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}
