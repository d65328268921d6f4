/** Bounds of the buckets of histograms of times, in seconds. */
export const SECONDS_BUCKETS: number[] = [
  ...[0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000],
];
