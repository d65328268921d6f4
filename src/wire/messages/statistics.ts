/**
 * The message `Statistics`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { finiteNumber, text, textLine, uint32, wholeNumber } from "../../plan/schemas.ts";
import { messageType } from "./message_type.ts";
import { MOST_NAME_LENGTH } from "./statistics_request.ts";

/** Kind of a column as a client reads it; `missing` where it has no values at all. */
export type ColumnKind = "number" | "text" | "boolean" | "missing";

/** Form of the numbers of a column: 0 and 1 alone, whole numbers, or any. */
export type NumberForm = "binary" | "whole" | "real";

/** Value and the number of rows that have it. */
export type ValueCount = readonly [value: string, rows: number];

/** Figures of a column. Those about fewer rows than the request's `minCount` are left out. */
export interface ColumnFigures {
  /** Name of the column. */
  readonly name: string;
  /** Kind of its values. */
  readonly kind: ColumnKind;
  /** Unit that the client declares. */
  readonly unit?: string;
  /** Number of missing values. */
  readonly missing: number;
  /** Sum of the numbers. */
  readonly sum?: number;
  /** The `minCount`-th smallest number. */
  readonly low?: number;
  /** The `minCount`-th largest number. */
  readonly high?: number;
  /** Form of all numbers: 0 and 1 alone, whole numbers, or any. */
  readonly form?: NumberForm;
  /** Values in their canonical spelling, the most frequent ones first. */
  readonly values?: readonly ValueCount[];
  /** Number of different values, where they were counted. */
  readonly distinct?: number;
}

/** Answer to a question about columns. */
export interface ColumnsAnswer {
  /** Kind of the answer. */
  readonly kind: "columns";
  /** Number of rows. */
  readonly rows: number;
  /** Figures of the columns; none where there are fewer rows than `minCount`. */
  readonly columns: readonly ColumnFigures[];
  /** Is true if there are more columns. */
  readonly hasMore?: boolean;
  /** Shape of a row, for data without columns. */
  readonly shape?: readonly number[];
  /** Number of rows of each class, for data without columns. */
  readonly classes?: readonly ValueCount[];
  /** Is true if the client allows that its own figures are shown. */
  readonly isShown?: boolean;
}

/** Answer to a question about classes. */
export interface ClassesAnswer {
  /** Kind of the answer. */
  readonly kind: "classes";
  /** Number of rows of each class; classes of fewer rows than `minCount` are left out. */
  readonly classes: readonly ValueCount[];
  /** Number of different classes. */
  readonly distinct: number;
}

/** Answer to a question about deviations: one number for each column. */
export interface DeviationsAnswer {
  /** Kind of the answer. */
  readonly kind: "deviations";
  /** Number of values; 0 for a column with fewer values than `minCount`. */
  readonly counts: readonly number[];
  /** Sum of `x - mean`. */
  readonly sums: readonly number[];
  /** Sum of `(x - mean)²`. */
  readonly squares: readonly number[];
}

/**
 * Neighbouring bins with at least `minCount` rows together: the indices of the first and the last
 * one, and the number of rows.
 */
export type BinGroup = readonly [first: number, last: number, rows: number];

/** Answer to a question about histograms. */
export interface HistogramsAnswer {
  /** Kind of the answer. */
  readonly kind: "histograms";
  /** Groups of bins of each histogram; none where there are fewer values than `minCount`. */
  readonly groups: readonly (readonly BinGroup[])[];
}

/** Answer to a question about the data of a client. */
export type StatisticsAnswer =
  | ColumnsAnswer
  | ClassesAnswer
  | DeviationsAnswer
  | HistogramsAnswer;

/** Payload of `Statistics`, client to server. */
export interface StatisticsPayload {
  /** Number of the request. */
  readonly id: number;
  /** Answer. */
  readonly answer: StatisticsAnswer;
}

const name = v.pipe(text(MOST_NAME_LENGTH), v.minLength(1));
const count = wholeNumber(0);
const valueCounts = v.array(v.strictTuple([name, count]));

/** Answer of a client to a question about its data. */
export const statistics = messageType(
  21,
  v.object({
    id: uint32(1),
    answer: v.variant("kind", [
      v.object({
        kind: v.literal("columns"),
        rows: count,
        columns: v.array(v.object({
          name,
          kind: v.picklist(["number", "text", "boolean", "missing"]),
          unit: v.exactOptional(textLine(64)),
          missing: count,
          sum: v.exactOptional(finiteNumber),
          low: v.exactOptional(finiteNumber),
          high: v.exactOptional(finiteNumber),
          form: v.exactOptional(v.picklist(["binary", "whole", "real"])),
          values: v.exactOptional(valueCounts),
          distinct: v.exactOptional(count),
        })),
        hasMore: v.exactOptional(v.boolean()),
        shape: v.exactOptional(v.pipe(v.array(uint32(0)), v.maxLength(16))),
        classes: v.exactOptional(valueCounts),
        isShown: v.exactOptional(v.boolean()),
      }),
      v.object({ kind: v.literal("classes"), classes: valueCounts, distinct: count }),
      v.object({
        kind: v.literal("deviations"),
        counts: v.array(count),
        sums: v.array(finiteNumber),
        squares: v.array(finiteNumber),
      }),
      v.object({
        kind: v.literal("histograms"),
        groups: v.array(v.array(v.strictTuple([count, count, count]))),
      }),
    ]),
  }),
);
