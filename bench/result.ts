/** A figure beside what bounds it. */
export interface BenchResult {
  /** What was measured. */
  name: string;
  /** Unit of `value` and `ceiling`. */
  unit: string;
  /** The figure. A rate is from the shortest repetition. */
  value: number;
  /** What bounds it: a rate measured in the same run, or the most that a time or a size should be. */
  ceiling: number;
  /** How near it comes: `value / ceiling` of a rate, `ceiling / value` of a time or a size. */
  ratio: number;
  /** The least of the repetitions, in milliseconds, or in `unit` where that is a size. */
  min: number;
  /** The median repetition, in the same. */
  median: number;
  /** The ratio to reach; `undefined` for a row that is there to compare with. */
  target: number | undefined;
}

/** What a group of benchmarks is given. */
export interface BenchOptions {
  /** Seed of the runs that are measured. */
  seed: number;
  /** Ends the measuring. */
  signal: AbortSignal;
}

/** The middle one of the values, the upper one of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** A rate, in GB/s: so many bytes in each repetition of so many milliseconds, beside the same for the ceiling's. */
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

/** A time or a size that should be at most `most`: its median over the repetitions. */
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
