import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { countNames, kindOf, numbersOf } from "../schema/column_values.ts";
import { shownName, toBoolean } from "../schema/names.ts";
import type { ColumnFigures, NumberForm } from "../../wire/messages/statistics.ts";
import { MOST_COUNTED_NUMBERS } from "./limits.ts";
import { exactSum } from "./exact_sum.ts";
import { shareableCounts } from "./value_counts.ts";

/** Most spellings of true and false. */
const MOST_WORDS = 64;
/** Largest number that statistics are made of: the sum of its squares must be finite. */
const MOST_NUMBER = 1e140;

/**
 * Computes the figures of a column.
 *
 * @param minCount Fewest rows that a figure may be about.
 * @param isCounted Whether the values of numbers are counted.
 * @throws {RangeError} If a number is infinite or too large.
 */
export function columnFigures(
  table: RawTable,
  column: RawColumn,
  { name, minCount, isCounted, unit }: {
    readonly name: string;
    readonly minCount: number;
    readonly isCounted: boolean;
    readonly unit: string | undefined;
  },
): ColumnFigures {
  const common = { name, ...(unit !== undefined && { unit }) };
  const kind = kindOf([column]);
  if (kind === undefined) return { ...common, kind: "missing", missing: table.length };
  if (kind !== "number") {
    const missing = column.codes?.reduce((sum, code) => sum + (code < 0 ? 1 : 0), 0) ?? 0;
    const counts = countNames([column]);
    const areBooleans = counts.size <= MOST_WORDS &&
      counts.keys().every((text) => toBoolean(text) !== undefined);
    return {
      ...common,
      kind: areBooleans ? "boolean" : "text",
      missing,
      values: shareableCounts(counts, minCount),
      distinct: counts.size,
    };
  }
  const sorted = numbersOf([column]).toSorted();
  checkSize(table, name, sorted);
  const missing = table.length - sorted.length;
  const distinct = countDistinct(sorted);
  const isFew = distinct <= MOST_COUNTED_NUMBERS;
  return {
    ...common,
    kind: "number",
    missing,
    ...(sorted.length >= minCount && {
      sum: exactSum(sorted),
      ...bounds(sorted, minCount),
    }),
    form: formOf(sorted),
    ...(isCounted || isFew
      ? { values: shareableCounts(countNames([column]), minCount), distinct }
      : {}),
  };
}

/** Bounds in the right order: of few values the `minCount`-th largest may be the smaller one. */
function bounds(sorted: Float64Array, minCount: number): { low: number; high: number } {
  const ends = [sorted[minCount - 1] ?? NaN, sorted[sorted.length - minCount] ?? NaN];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

function formOf(numbers: Float64Array): NumberForm {
  if (numbers.every((x) => x === 0 || x === 1)) return "binary";
  return numbers.every(Number.isInteger) ? "whole" : "real";
}

function countDistinct(sorted: Float64Array): number {
  let count = sorted.length > 0 ? 1 : 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] !== sorted[i - 1]) count++;
  return count;
}

function checkSize(table: RawTable, name: string, sorted: Float64Array): void {
  const extreme = [sorted[0] ?? 0, sorted.at(-1) ?? 0].find((x) => Math.abs(x) > MOST_NUMBER);
  if (extreme === undefined) return;
  throw new RangeError(
    `Cannot use ${table.name}: expected numbers of at most ${MOST_NUMBER} in the column ${
      shownName(name)
    }, got ${extreme}`,
  );
}
