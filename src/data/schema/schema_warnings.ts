/**
 * Warnings about the inputs of a schema.
 *
 * @module
 */

import type { ColumnValues } from "./column_values.ts";
import { shownName } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import type { SchemaColumns } from "./schema_columns.ts";
import type { Schema } from "./schema.ts";

/** Size of a mean or a deviation from which training is likely to diverge or to stand still. */
const LARGE = 10;
/** Most columns that a warning about them names. */
const MAX_NAMED = 3;

/** Names the first of some columns. */
function listed(names: readonly string[]): string {
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "";
  return names.slice(0, MAX_NAMED).join(", ") + more;
}

/** Fewest rows of which an id can be told from a measure that happens to differ in all of them. */
const FEWEST_IDS = 20;

/**
 * Returns true if a column may be an id: another category in each row, or whole numbers without
 * gaps, in any order.
 */
function isLikeId(values: ColumnValues): boolean {
  // Each figure is computed when it is read.
  const { kind } = values;
  if (kind === "category") {
    const { counts } = values;
    return counts.size >= FEWEST_IDS && counts.values().every((rows) => rows === 1);
  }
  if (kind !== "number") return false;
  const { count, moments } = values;
  // The deviation of n whole numbers in turn.
  const deviation = Math.sqrt((count ** 2 - 1) / 12);
  return count >= FEWEST_IDS && Math.abs(moments.deviation / deviation - 1) < 1e-12 &&
    !values.hasFractions;
}

/**
 * Names columns of numbers that have one value alone, those to be standardized, and columns that
 * seem to be ids.
 */
export function warningsAbout(
  { inputs, target }: Schema,
  columns: SchemaColumns,
  { standardize = false }: SchemaOptions,
): string[] {
  const numbers = inputs.filter(({ kind }) => kind === "number");
  const measures = target.task === "regression" ? target.outputs : [];
  const constant: string[] = [], large: string[] = [];
  const ids = inputs.filter(({ name }) =>
    isLikeId(columns.at(columns.placeOf(name, "a column")).values)
  );
  [...numbers, ...measures].forEach(({ name }, i) => {
    const { mean, deviation } = columns.at(columns.placeOf(name, "a column")).values.moments;
    if (deviation === 0 && i < numbers.length) constant.push(shownName(name));
    if (Math.max(Math.abs(mean), deviation) > LARGE) large.push(shownName(name));
  });
  return [
    ...(ids.length === 0 ? [] : [
      `Inputs that seem to be ids, from which nothing is learnt (--exclude-columns): ${
        listed(ids.map(({ name }) => shownName(name)))
      }`,
    ]),
    ...(constant.length === 0 || columns.length < 2
      ? []
      : [`Of one value alone: ${constant.join(", ")}`]),
    ...(large.length === 0 || standardize ? [] : [
      `Numbers with means or deviations above ${LARGE}, on which training may diverge (--standardize): ${
        listed(large)
      }`,
    ]),
  ];
}
