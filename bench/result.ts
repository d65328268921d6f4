/** A rate beside the ceiling measured in the same run. */
export interface BenchResult {
  /** What was measured. */
  name: string;
  /** Unit of `value` and `ceiling`. */
  unit: string;
  /** The rate, from the shortest repetition. */
  value: number;
  /** The rate of what bounds it, from the shortest repetition. */
  ceiling: number;
  /** `value / ceiling`. */
  ratio: number;
  /** The shortest repetition, in milliseconds. */
  min: number;
  /** The median repetition, in milliseconds. */
  median: number;
}
