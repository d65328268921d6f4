/**
 * Summary of the tables of one or several sites.
 *
 * @module
 */

/** Value and the number of rows that have it. */
export type ValueCount = readonly [value: string, rows: number];

/** Quantile of the numbers of a column. */
export interface Quantile {
  /** Share of the numbers below it: 0.5 for the median. */
  readonly share: number;
  /** Estimate of the quantile, as `numpy.quantile` defines it. */
  readonly value: number;
  /** Largest possible difference between the estimate and the quantile of the counted rows. */
  readonly error: number;
}

/** Histogram of the numbers of a column. */
export interface Histogram {
  /** Lower bound, which is part of the first bin. */
  readonly low: number;
  /** Upper bound, which is part of the last bin. */
  readonly high: number;
  /** Rows in each bin; the bins have the same width. */
  readonly counts: readonly number[];
}

/**
 * Summary of a column over sites. A site's figures about fewer rows than `minCount` are not part of
 * it.
 */
export interface ColumnSummary {
  /** Name of the column. */
  readonly name: string;
  /** Kind; `missing` for a column that has no value at any site. */
  readonly kind: "number" | "category" | "boolean" | "missing";
  /** Unit that sites declare. */
  readonly unit?: string;
  /** Number of rows. */
  readonly rows: number;
  /** Number of missing values. */
  readonly missing: number;
  /** Number of values that the figures of numbers are over. */
  readonly count: number;
  /** Mean of the numbers. */
  readonly mean?: number;
  /** Standard deviation of the numbers, divided by n. */
  readonly deviation?: number;
  /** Smallest number; the smallest of each site's `minCount`-th smallest. */
  readonly low?: number;
  /** Largest number; the largest of each site's `minCount`-th largest. */
  readonly high?: number;
  /** Form of all the numbers: 0 and 1 alone, whole numbers, or any. */
  readonly form?: "binary" | "whole" | "real";
  /** Quantiles that were asked for. */
  readonly quantiles?: readonly Quantile[];
  /** Histogram, where it was asked for. */
  readonly histogram?: Histogram;
  /** Counts of values, sorted as `sortNames()` does; of booleans `"false"` and `"true"`. */
  readonly values?: readonly ValueCount[];
  /** Number of rows whose value is not among `values`, where values are counted. */
  readonly unnamed?: number;
  /** Largest number of different values at one site, where values are counted. */
  readonly distinct?: number;
  /** Values that sites seem to spell differently, in words, with the sites. */
  readonly conflict?: string;
}

/** Summary of the tables of sites. */
export interface TableSummary {
  /** Number of rows. */
  readonly rows: number;
  /** Columns, in the order of the inputs. */
  readonly columns: readonly ColumnSummary[];
  /** Counts of the target's classes, sorted as `sortNames()` does. */
  readonly classes?: readonly ValueCount[];
  /** Classes that sites seem to spell differently, in words, with the sites. */
  readonly classConflict?: string;
  /** Name of the last column, where it is the same at all sites. */
  readonly lastColumn?: string;
  /** Shape of a row, for data without columns. */
  readonly shape?: readonly number[];
}
