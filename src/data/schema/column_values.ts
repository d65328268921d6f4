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

/** Returns the numbers of columns that are not missing, in their order. */
export function numbersOf(columns: ColumnParts): Float64Array {
  const parts = columns.map(({ numbers, codes, texts = [] }) => {
    if (numbers) return numbers.filter((x) => !Number.isNaN(x));
    const values = texts.map((text) => numberOfText(text) ?? NaN);
    return Float64Array.from(
      (codes ?? []).filter((code) => code >= 0),
      (code) => values[code] ?? NaN,
    );
  });
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
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
 * Infers the kind of a column: numbers; words for true and false; else categories. A column of 0 and
 * 1 alone has numbers, and one of a single letter such as `f` has categories.
 *
 * @returns The kind; `undefined` if all values are missing.
 */
export function kindOf(columns: ColumnParts): ColumnKind | undefined {
  if (!columns.some(hasTexts)) return numbersOf(columns).length === 0 ? undefined : "number";
  const names = [...countNames(columns).keys()];
  const values = names.map(toBoolean);
  const isBoolean = values.every((value) => value !== undefined) &&
    (names.every((name) => name.length > 1) || new Set(values).size === 2);
  return isBoolean ? "boolean" : "category";
}

/** Mean and standard deviation (divided by n) of numbers; of none, 0 and 0. */
export function momentsOf(numbers: Float64Array): { mean: number; deviation: number } {
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
