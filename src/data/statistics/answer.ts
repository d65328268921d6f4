/**
 * Answers of a site to questions about its table.
 *
 * @module
 */

import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { countNames, numbersOf } from "../schema/column_values.ts";
import { ColumnIndex, headerOf } from "../schema/columns.ts";
import { holdsFor, isCondition, parseCondition } from "../schema/condition.ts";
import { findOddText } from "../schema/mixed_column.ts";
import { canonicalName, quoted, shownName } from "../schema/names.ts";
import type {
  ClassesAnswer,
  ColumnsAnswer,
  DeviationsAnswer,
  HistogramsAnswer,
  StatisticsAnswer,
} from "../../wire/messages/statistics.ts";
import {
  type ClassesQuestion,
  type ColumnsQuestion,
  type DeviationsQuestion,
  type HistogramsQuestion,
  type MissingMarks,
  MOST_NAME_LENGTH,
  type StatisticsQuestion,
} from "../../wire/messages/statistics_request.ts";
import { binOf, groupBins } from "./bins.ts";
import { columnFigures } from "./column_figures.ts";
import { ExactSum } from "./exact_sum.ts";
import { MOST_COLUMNS, PAGE_BYTES, PAGE_CELLS } from "./limits.ts";
import { markedTable } from "./marked_table.ts";
import { shareableCounts } from "./value_counts.ts";

/** Extent to which a site lets its figures travel. */
export type StatisticsSharing = "none" | "total" | "site";

/** Rules of a site for its answers. */
export interface AnswerOptions {
  /** Fewest rows that a figure may be about. */
  readonly minCount: number;
  /** Units of columns, by name. */
  readonly units?: Readonly<Record<string, string>>;
  /** Values that stand for a missing one, as the server says. Default: none. */
  readonly marks?: readonly MissingMarks[];
  /** Columns that no answer is about, by name or by index from 0. */
  readonly hidden?: readonly (string | number)[];
  /**
   * Extent to which figures travel: `none` sends no figures at all, `total` sends them for the sum
   * over all sites, `site` allows that they are shown by themselves.
   *
   * @default {"total"}
   */
  readonly share?: StatisticsSharing;
  /** Called with lines for the site's own log, which may quote its values. Default: no-op. */
  readonly note?: (line: string) => void;
}

/**
 * Answers a question about a table. Figures about fewer rows than `minCount` are left out.
 *
 * @throws {RangeError} If a number of the table is infinite, or a column does not exist.
 */
export function answerQuestion(
  given: RawTable,
  question: StatisticsQuestion,
  options: AnswerOptions,
): StatisticsAnswer {
  const table = markedTable(given, options.marks ?? []);
  switch (question.kind) {
    case "columns":
      return answerColumns(table, question, options);
    case "classes":
      return answerClasses(table, question, options);
    case "deviations":
      return answerDeviations(table, question, options);
    case "histograms":
      return answerHistograms(table, question, options);
  }
}

function answerColumns(
  table: RawTable,
  { from, without = [], counted = [] }: ColumnsQuestion,
  { minCount, units = {}, hidden = [], share = "total", note }: AnswerOptions,
): ColumnsAnswer {
  if (share === "none") return { kind: "columns", rows: 0, columns: [] };
  const rows = table.length;
  if (rows < minCount) return { kind: "columns", rows, columns: [] };
  const index = indexOf(table);
  index.checkNames();
  const left = new Set(hidden.map((column) => index.get(column, "a column")));
  const indices = [...index.headers.keys()].filter((place) => {
    return !left.has(place) && !without.includes(index.headers[place]?.name ?? "");
  });
  if (indices.length > MOST_COLUMNS) {
    throw new RangeError(
      `Cannot use ${table.name}: expected at most ${MOST_COLUMNS} columns, got ${indices.length}`,
    );
  }
  const columns = [];
  let bytes = 0;
  for (const place of indices.slice(from)) {
    const { name = "", unit } = index.headers[place] ?? {};
    const column = table.columns[place];
    if (column === undefined) continue;
    if (name === "" || name.length > MOST_NAME_LENGTH) {
      throw new RangeError(
        `Cannot use ${table.name}: expected a name of 1 to ${MOST_NAME_LENGTH} characters for column ${
          place + 1
        }, got ${quoted(name)}; leave it out (--exclude-columns)`,
      );
    }
    const figures = columnFigures(table, column, {
      name,
      minCount,
      isCounted: counted.includes(name),
      unit: Object.hasOwn(units, name) ? units[name] : unit,
    });
    columns.push(figures);
    if (note && figures.kind === "text" && !counted.includes(name)) {
      noteOddText(table, column, note);
    }
    bytes += new TextEncoder().encode(JSON.stringify(figures)).length;
    if (bytes > PAGE_BYTES || columns.length * rows > PAGE_CELLS) break;
  }
  return {
    kind: "columns",
    rows,
    columns,
    ...(from + columns.length < indices.length && { hasMore: true }),
    ...(share === "site" && { isShown: true }),
  };
}

/** Points out a text for which a column of numbers is one of texts. */
function noteOddText(table: RawTable, column: RawColumn, note: (line: string) => void): void {
  const odd = findOddText([column], [table]);
  if (odd === undefined) return;
  const { row, text, numbers } = odd;
  note(
    `${table.name}: ${table.place(row)}, column ${shownName(headerOf(column).name)}: ${
      quoted(text)
    } makes it a column of texts beside ${numbers} numbers, correct it or take it for missing (--missing-values)`,
  );
}

function answerClasses(
  table: RawTable,
  { target }: ClassesQuestion,
  { minCount }: AnswerOptions,
): ClassesAnswer {
  const counts = classCounts(table, target);
  return {
    kind: "classes",
    classes: shareableCounts(counts, minCount),
    distinct: counts.size,
  };
}

/** Counts the rows of each class of a target. */
function classCounts(table: RawTable, target: string): Map<string, number> {
  const plain = findColumn(table, target);
  if (plain !== undefined || !isCondition(target)) {
    return countNames([plain ?? requireColumn(table, target)]);
  }
  const condition = parseCondition(target);
  const column = requireColumn(table, condition.column);
  const counts = new Map<string, number>();
  for (const [text, rows] of countNames([column])) {
    const { value, comparison } = condition;
    const holds = column.numbers !== undefined
      ? holdsFor(Number(text), condition)
      : typeof value === "string" && (text === value) === (comparison === "==");
    const name = canonicalName(holds);
    counts.set(name, (counts.get(name) ?? 0) + rows);
  }
  return counts;
}

function answerDeviations(
  table: RawTable,
  { columns, means }: DeviationsQuestion,
  { minCount }: AnswerOptions,
): DeviationsAnswer {
  const counts: number[] = [], sums: number[] = [], squares: number[] = [];
  for (const [i, name] of columns.entries()) {
    const mean = means[i] ?? 0;
    const present = numbersOf([requireColumn(table, name)]);
    const isEnough = present.length >= minCount;
    const sum = new ExactSum(), square = new ExactSum();
    for (const x of isEnough ? present : []) {
      sum.add(x - mean);
      square.add((x - mean) ** 2);
    }
    counts.push(isEnough ? present.length : 0);
    sums.push(sum.value);
    squares.push(square.value);
  }
  return { kind: "deviations", counts, sums, squares };
}

function answerHistograms(
  table: RawTable,
  { columns, lows, highs, bins }: HistogramsQuestion,
  { minCount }: AnswerOptions,
): HistogramsAnswer {
  const groups = columns.map((name, i) => {
    const range = { low: lows[i] ?? 0, high: highs[i] ?? 0, bins };
    const rows = new Uint32Array(bins);
    for (const x of numbersOf([requireColumn(table, name)])) {
      const bin = binOf(x, range);
      rows[bin] = (rows[bin] ?? 0) + 1;
    }
    return groupBins(rows, minCount);
  });
  return { kind: "histograms", groups };
}

/** Indices of tables, which several questions are about. */
const INDICES = new WeakMap<RawTable, ColumnIndex>();

function indexOf(table: RawTable): ColumnIndex {
  const index = INDICES.get(table) ?? new ColumnIndex(table);
  INDICES.set(table, index);
  return index;
}

function findColumn(table: RawTable, name: string): RawColumn | undefined {
  const place = indexOf(table).find(name);
  return place === undefined ? undefined : table.columns[place];
}

function requireColumn(table: RawTable, name: string): RawColumn {
  const column = findColumn(table, name);
  if (column !== undefined) return column;
  throw new RangeError(
    `Cannot use ${table.name}: expected the column ${shownName(name)}, got none`,
  );
}
