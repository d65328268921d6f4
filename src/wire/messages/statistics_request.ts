/**
 * The message `StatisticsRequest`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { finiteNumber, text, uint32, wholeNumber } from "../../plan/schemas.ts";
import { messageType } from "./message_type.ts";

/** Most characters of the name of a column, a category or a class. */
export const MOST_NAME_LENGTH = 256;
/** Most columns that one question names. */
export const MOST_ASKED_COLUMNS = 2000;
/** Most bins of a histogram. */
export const MOST_BINS = 4096;

/** Most values of a column that a request takes for missing ones. */
export const MOST_MARKS = 100;

/** Values that stand for a missing one. */
export interface MissingMarks {
  /** Name of the column. Default: all columns. */
  readonly column?: string;
  /** The values; numbers are compared as numbers. */
  readonly values: readonly string[];
}

/** Question about the columns of a table: names, kinds, missing values, sums and categories. */
export interface ColumnsQuestion {
  /** Kind of the question. */
  readonly kind: "columns";
  /** Index of the first column of the answer, among those that are not left out. */
  readonly from: number;
  /** Columns to leave out. */
  readonly without?: readonly string[];
  /** Columns whose values are counted although they are numbers. */
  readonly counted?: readonly string[];
}

/** Question about the number of rows of each class. */
export interface ClassesQuestion {
  /** Kind of the question. */
  readonly kind: "classes";
  /** Column, or condition such as `"target > 0"`. */
  readonly target: string;
}

/** Question about the deviations of numbers from given means. */
export interface DeviationsQuestion {
  /** Kind of the question. */
  readonly kind: "deviations";
  /** Columns of numbers. */
  readonly columns: readonly string[];
  /** Mean of each column. */
  readonly means: readonly number[];
}

/** Question about histograms. */
export interface HistogramsQuestion {
  /** Kind of the question. */
  readonly kind: "histograms";
  /** Column of each histogram. */
  readonly columns: readonly string[];
  /** Lower bound of each histogram; smaller numbers are part of its first bin. */
  readonly lows: readonly number[];
  /** Upper bound of each histogram; it and larger numbers are part of its last bin. */
  readonly highs: readonly number[];
  /** Number of bins of each histogram. */
  readonly bins: number;
}

/** Question about the data of a client. */
export type StatisticsQuestion =
  | ColumnsQuestion
  | ClassesQuestion
  | DeviationsQuestion
  | HistogramsQuestion;

/** Payload of `StatisticsRequest`, server to client. */
export interface StatisticsRequestPayload {
  /** Number of the request, which the answer repeats. */
  readonly id: number;
  /** Fewest rows that a figure of the answer may be about. */
  readonly minCount: number;
  /** Values that stand for a missing one, besides those of the client's own. Default: none. */
  readonly missing?: readonly MissingMarks[];
  /** Question. */
  readonly question: StatisticsQuestion;
}

const name = text(MOST_NAME_LENGTH);
const names = v.pipe(v.array(name), v.maxLength(MOST_ASKED_COLUMNS));
const marks = v.pipe(v.array(name), v.minLength(1), v.maxLength(MOST_MARKS));
const numbers = v.pipe(v.array(finiteNumber), v.maxLength(MOST_ASKED_COLUMNS));

/** Question of the server about the data of a client. */
export const statisticsRequest = messageType(
  20,
  v.object({
    id: uint32(1),
    minCount: uint32(1),
    missing: v.exactOptional(
      v.pipe(
        v.array(v.object({ column: v.exactOptional(name), values: marks })),
        v.maxLength(MOST_ASKED_COLUMNS),
      ),
    ),
    question: v.variant("kind", [
      v.object({
        kind: v.literal("columns"),
        from: uint32(0),
        without: v.exactOptional(names),
        counted: v.exactOptional(names),
      }),
      v.object({ kind: v.literal("classes"), target: text(1024) }),
      v.object({ kind: v.literal("deviations"), columns: names, means: numbers }),
      v.object({
        kind: v.literal("histograms"),
        columns: names,
        lows: numbers,
        highs: numbers,
        bins: wholeNumber(1, MOST_BINS),
      }),
    ]),
  }),
);
