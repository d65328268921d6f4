/** Measured figure and its ceiling. */
export interface BenchResult {
  /** Name of the measurement. */
  name: string;
  /** Unit of `value` and `ceiling`. */
  unit: string;
  /** Measured figure. A rate is that of the shortest repetition. */
  value: number;
  /** Ceiling: a rate measured in the same run, or the target limit for a time or size. */
  ceiling: number;
  /** Ratio to the ceiling: `value / ceiling` of a rate, `ceiling / value` of a time or size. */
  ratio: number;
  /** Smallest of the repetitions, in milliseconds, or in `unit` for a size. */
  min: number;
  /** Median of the repetitions, in the same unit as `min`. */
  median: number;
  /** Ratio to reach; `undefined` for a row that only serves as a comparison. */
  target: number | undefined;
}

/** Options of a group of benchmarks. */
export interface BenchOptions {
  /** Seed of the measured runs. */
  seed: number;
  /** Measures the larger sizes too, which take minutes. */
  long: boolean;
  /** Signal that ends the benchmark. */
  signal: AbortSignal;
}

/** Computes the median; of an even number of values, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/**
 * Makes the result of a rate in GB/s.
 *
 * @param value Bytes of each repetition, and the times of the repetitions in milliseconds.
 * @param ceiling The same of the ceiling.
 */
export function rateResult(
  name: string,
  value: { bytes: number; times: readonly number[] },
  ceiling: { bytes: number; times: readonly number[] },
  target?: number,
): BenchResult {
  const rate = ({ bytes, times }: typeof value) => bytes / Math.min(...times) / 1e6;
  return {
    name,
    unit: "GB/s",
    value: rate(value),
    ceiling: rate(ceiling),
    ratio: rate(value) / rate(ceiling),
    min: Math.min(...value.times),
    median: median(value.times),
    target,
  };
}

/** Makes the result of a time or size that should be at most `most`, from its median. */
export function mostResult(
  name: string,
  values: readonly number[],
  { unit, most }: { unit: string; most: number },
): BenchResult {
  const value = median(values);
  return {
    name,
    unit,
    value,
    ceiling: most,
    ratio: most / value,
    min: Math.min(...values),
    median: value,
    target: 1,
  };
}
