/**
 * Figures of the values of a column, over tables.
 *
 * @module
 */

import type { RawColumn } from "../formats/raw_table.ts";
import { canonicalName, numberOfText, toBoolean } from "./names.ts";

/** Columns of one name, one of each table. */
export type ColumnParts = readonly RawColumn[];

/** Most categories of a column that is not listed as one of categories. */
export const MAX_INFERRED_CATEGORIES = 1000;

/** Kind of a column. */
export type ColumnKind = "number" | "category" | "boolean";

/** Calls a function with the numbers of a column that are not missing. */
function eachNumber({ numbers, codes, texts = [] }: RawColumn, use: (value: number) => void): void {
  if (numbers) {
    for (const x of numbers) if (!Number.isNaN(x)) use(x);
    return;
  }
  const values = texts.map((text) => numberOfText(text) ?? NaN);
  for (const code of codes ?? []) if (code >= 0) use(values[code] ?? NaN);
}

/**
 * Returns the numbers of columns that are not missing, in their order. They are not to be changed:
 * those of one column without missing values are its own.
 */
export function numbersOf(columns: ColumnParts): Float64Array {
  const [only] = columns;
  const isWhole = columns.length === 1 && only?.numbers?.every((x) => !Number.isNaN(x));
  if (isWhole && only?.numbers) return only.numbers;
  let count = 0;
  for (const column of columns) eachNumber(column, () => void count++);
  const all = new Float64Array(count);
  let used = 0;
  for (const column of columns) eachNumber(column, (x) => void (all[used++] = x));
  return all;
}

/** Returns true if a column has a number. */
function hasNumbers({ numbers, codes }: RawColumn): boolean {
  if (numbers) return numbers.some((x) => !Number.isNaN(x));
  return codes?.some((code) => code >= 0) ?? false;
}

/** Counts the rows of each value that is not missing, by its canonical name. */
export function countNames(columns: ColumnParts): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (name: string, count: number) => counts.set(name, (counts.get(name) ?? 0) + count);
  for (const { numbers, codes, texts = [] } of columns) {
    if (numbers) {
      const ofNumbers = new Map<number, number>();
      for (const x of numbers) {
        if (!Number.isNaN(x)) ofNumbers.set(x, (ofNumbers.get(x) ?? 0) + 1);
      }
      for (const [x, count] of ofNumbers) add(canonicalName(x), count);
      continue;
    }
    const ofCodes = new Float64Array(texts.length);
    for (const code of codes ?? []) if (code >= 0) ofCodes[code] = (ofCodes[code] ?? 0) + 1;
    texts.forEach((text, code) => {
      const count = ofCodes[code] ?? 0;
      if (count > 0) add(canonicalName(text), count);
    });
  }
  return counts;
}

/** Returns true if a column has a value that is no number. */
function hasTexts({ codes, texts = [] }: RawColumn): boolean {
  const areNumbers = texts.map((text) => numberOfText(text) !== undefined);
  return codes?.some((code) => code >= 0 && !areNumbers[code]) ?? false;
}

/**
 * Infers the kind of a column: numbers; words for true and false; else categories. A column of 0
 * and 1 alone has numbers, and one of a single letter such as `f` has categories.
 *
 * @returns The kind; `undefined` if all values are missing.
 */
export function kindOf(columns: ColumnParts): ColumnKind | undefined {
  if (!columns.some(hasTexts)) return columns.some(hasNumbers) ? "number" : undefined;
  const names = [...countNames(columns).keys()];
  const values = names.map(toBoolean);
  const isBoolean = values.every((value) => value !== undefined) &&
    (names.every((name) => name.length > 1) || new Set(values).size === 2);
  return isBoolean ? "boolean" : "category";
}

/** Mean and standard deviation. */
export interface Moments {
  readonly mean: number;
  /** Standard deviation, divided by n. */
  readonly deviation: number;
}

/** Figures of the values of a column that are not missing, of which inputs and targets are made. */
export interface ColumnValues {
  /** Kind; `undefined` if all values are missing. */
  readonly kind: ColumnKind | undefined;
  /** Rows of each value, by its canonical name. */
  readonly counts: ReadonlyMap<string, number>;
  /** Number of numbers. */
  readonly count: number;
  /** True if a number has a fraction. */
  readonly hasFractions: boolean;
  /** Number that is not finite, if there is one. */
  readonly infinite: number | undefined;
  /** Mean and deviation of the numbers. */
  readonly moments: Moments;
  /** Median of the numbers. */
  readonly median: number;
}

/** Figures of the columns of one name in several tables, each computed when it is needed. */
export class TableValues implements ColumnValues {
  readonly #parts: ColumnParts;

  constructor(parts: ColumnParts) {
    this.#parts = parts;
  }

  get kind(): ColumnKind | undefined {
    return kindOf(this.#parts);
  }

  get counts(): ReadonlyMap<string, number> {
    return countNames(this.#parts);
  }

  get count(): number {
    return this.#all.length;
  }

  get hasFractions(): boolean {
    return this.#all.some((x) => Number.isFinite(x) && !Number.isInteger(x));
  }

  get infinite(): number | undefined {
    return this.#all.find((x) => !Number.isFinite(x));
  }

  get moments(): Moments {
    return momentsOf(this.#all);
  }

  get median(): number {
    return medianOf(this.#all);
  }

  get #all(): Float64Array {
    return numbersOf(this.#parts);
  }
}

/** Mean and deviation of the numbers of several columns together. */
export function jointMoments(columns: readonly ColumnValues[]): Moments {
  const [only] = columns;
  if (only && columns.length === 1) return only.moments;
  const parts = columns.map(({ count, moments }) => ({ count, ...moments }));
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return { mean: 0, deviation: 0 };
  const mean = parts.reduce((sum, { count, mean }) => sum + mean * (count / total), 0);
  const variance = parts.reduce((sum, part) => {
    return sum + (part.deviation ** 2 + (part.mean - mean) ** 2) * (part.count / total);
  }, 0);
  return { mean, deviation: Math.sqrt(variance) };
}

/** Mean and standard deviation (divided by n) of numbers; of none, 0 and 0. */
export function momentsOf(numbers: Float64Array): Moments {
  const { length } = numbers;
  if (length === 0) return { mean: 0, deviation: 0 };
  // From the first number, so that a constant column has exactly its value and no deviation.
  const [first = 0] = numbers;
  const mean = first + numbers.reduce((sum, x) => sum + (x - first), 0) / length;
  const squares = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / length) };
}

/** Median of numbers: of an even count the mean of the two in the middle. */
export function medianOf(numbers: Float64Array): number {
  const sorted = numbers.toSorted();
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? 0, high = sorted[Math.floor(middle)] ?? 0;
  return low + (high - low) / 2;
}

/** The name that most rows have; of several the first in the given order. */
export function mostFrequent(
  counts: ReadonlyMap<string, number>,
  order: readonly string[],
): string | undefined {
  let best: string | undefined;
  for (const name of order) {
    if (best === undefined || (counts.get(name) ?? 0) > (counts.get(best) ?? 0)) best = name;
  }
  return best;
}
