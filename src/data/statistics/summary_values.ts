/**
 * Values of a column that only figures are known of.
 *
 * @module
 */

import {
  type ColumnValues,
  MAX_INFERRED_CATEGORIES,
  type Moments,
} from "../schema/column_values.ts";
import { shownName } from "../schema/names.ts";
import type { ColumnSummary, TableSummary } from "./summary.ts";

/** Start of messages about a schema that is made of figures. */
export const WHERE = "Cannot make a schema of the federation";
const FEWER = "fewer, leave it out (--exclude-columns)";

/** Figures of a column of a summary. */
export class SummaryValues implements ColumnValues {
  readonly #summary: ColumnSummary;
  readonly #classes: TableSummary["classes"];

  /** Keeps a column, and the counts of its classes if it is a target. */
  constructor(summary: ColumnSummary, classes: TableSummary["classes"]) {
    this.#summary = summary;
    this.#classes = classes;
  }

  get kind(): ColumnValues["kind"] {
    const { kind } = this.#summary;
    return kind === "missing" ? undefined : kind;
  }

  get counts(): ReadonlyMap<string, number> {
    const { values, kind, distinct = 0 } = this.#summary;
    const counts = this.#classes ?? values;
    if (counts === undefined) {
      if (kind === "missing") return new Map();
      throw this.#refusal(
        "numbers that are counted",
        "too many different ones for that, fill in a mean or a median instead (--missing)",
      );
    }
    if (this.#classes === undefined && distinct > MAX_INFERRED_CATEGORIES) {
      throw this.#refusal(
        `at most ${MAX_INFERRED_CATEGORIES} different values`,
        `${distinct} at one site, leave it out (--exclude-columns)`,
      );
    }
    if (counts.length === 0) {
      throw this.#refusal(
        "values that enough rows of a site have (--min-count)",
        "none, leave it out (--exclude-columns)",
      );
    }
    return new Map(counts);
  }

  get count(): number {
    return this.#summary.count;
  }

  get hasFractions(): boolean {
    return this.#summary.form === "real";
  }

  get infinite(): undefined {
    return undefined;
  }

  get moments(): Moments {
    const { mean, deviation } = this.#summary;
    if (mean !== undefined && deviation !== undefined) return { mean, deviation };
    throw this.#refusal("enough numbers at a site for their mean (--min-count)", FEWER);
  }

  get median(): number {
    const median = this.#summary.quantiles?.find(({ share }) => share === 0.5);
    if (median !== undefined) return median.value;
    throw this.#refusal("enough numbers at a site for their median (--min-count)", FEWER);
  }

  #refusal(expected: string, got: string): RangeError {
    return new RangeError(
      `${WHERE}: expected ${expected} in column ${shownName(this.#summary.name)}, got ${got}`,
    );
  }
}
