/**
 * Schemas made from summaries of tables.
 *
 * @module
 */

import { isPlaceName, placeName, quoted, shownName, shownNames } from "../schema/names.ts";
import type { SchemaOptions } from "../schema/options.ts";
import type { InputSchema, Schema } from "../schema/schema.ts";
import type { SchemaColumns } from "../schema/schema_columns.ts";
import { type MadeSchema, makeSchemaOfColumns } from "../schema/schema_of.ts";
import { policyFor, type SourceColumn } from "../schema/schema_inputs.ts";
import { columnOfCondition, conditionOf } from "../schema/schema_target.ts";
import { marksOf } from "./marked_table.ts";
import { shownLast } from "./site_names.ts";
import { SummaryValues, WHERE } from "./summary_values.ts";
import type { SurveyOptions } from "./survey_options.ts";
import type { ColumnSummary, TableSummary } from "./summary.ts";

/** Returns the options of the survey that finds the figures for a schema. */
export function surveyForSchema(options: SchemaOptions): SurveyOptions {
  const { categories = [], missing } = options;
  return {
    marks: marksOf(options),
    exclude: excludedBy(options),
    categories: categories.map(nameOf),
    target: (columns, last) => {
      const declared = withTarget(options, last);
      return classesToCount(new SummaryColumns({ rows: 0, columns }, declared), declared);
    },
    distribution: ({ name, kind }) =>
      kind === "number" && policyFor(name, kind, missing).policy === "median",
    quantiles: [0.5],
    bins: 0,
  };
}

/**
 * Makes a schema of a summary as `schemaOf()` does of tables. Categories that too few rows of a
 * site have are not named: their columns get a feature for other categories.
 *
 * @throws {RangeError} If the summary is of data without columns, a column has no values, or has
 * missing ones without a policy, or the target does not fit. The message is one line that names the
 * column.
 */
export function fitSchema(summary: TableSummary, declared: SchemaOptions = {}): MadeSchema {
  if (summary.columns.length === 0) {
    throw new RangeError(`${WHERE}: expected columns with names, got arrays of [${summary.shape}]`);
  }
  const { lastColumn } = summary;
  const last = lastColumn === undefined ? [] : [[lastColumn, []] as const];
  const options = withTarget(declared, new Map(last));
  const columns = new SummaryColumns(summary, options);
  const { idColumn: _, weightColumn: __, ...others } = options;
  const left = excludedBy(options);
  for (const name of Object.keys(options.missingValuesOf ?? {})) {
    if (!left.includes(name)) columns.placeOf(name, "a column with missing values");
  }
  // Columns that are left out need not be part of the summary.
  const exclude = left.filter((name) => columns.names.includes(name));
  const { schema, warnings } = makeSchemaOfColumns(columns, { ...others, exclude });
  checkPolicies(schema, summary);
  const unnamed = new Set(
    summary.columns.filter(({ unnamed = 0 }) => unnamed > 0).map(({ name }) => name),
  );
  const widened: string[] = [];
  const inputs = schema.inputs.map((input) => {
    if (input.kind !== "category" || input.unknown === "other" || !unnamed.has(input.name)) {
      return input;
    }
    widened.push(input.name);
    return { ...input, unknown: "other" as const };
  });
  return {
    schema: { ...schema, inputs },
    warnings: [
      ...warnings,
      ...(widened.length === 0 ? [] : [
        `With categories of too few rows to be named, counted as other: ${shownNames(widened)}`,
      ]),
    ],
  };
}

/**
 * Adds the last column as the target, where options name none.
 *
 * @throws {RangeError} If it is not the same at all sites.
 */
function withTarget(
  options: SchemaOptions,
  last: ReadonlyMap<string, readonly string[]>,
): SchemaOptions {
  if (options.target !== undefined) return options;
  const [target] = last.keys();
  if (target !== undefined && last.size === 1) return { ...options, target };
  throw new RangeError(
    `${WHERE}: expected a target (--target) or the same last column at all sites, got ${
      shownLast(last) || "neither"
    }`,
  );
}

/** Names the columns that are no inputs. */
function excludedBy({ exclude = [], idColumn, weightColumn }: SchemaOptions): string[] {
  return [...exclude, idColumn, weightColumn].filter((column) => column !== undefined).map(nameOf);
}

/** Throws a `RangeError` if sites lack values of a column that has no policy for that. */
function checkPolicies({ inputs }: Schema, { columns }: TableSummary): void {
  for (const input of inputs) {
    const { missing = 0 } = columns.find(({ name }) => name === input.name) ?? {};
    if (missing === 0 || "shape" in input || hasPolicy(input)) continue;
    throw new RangeError(
      `${WHERE}: expected a policy for missing values (--missing), got ${missing} of them in column ${
        shownName(input.name)
      }`,
    );
  }
}

function hasPolicy(input: InputSchema): boolean {
  return "missing" in input && input.missing?.policy !== "error";
}

/** Returns the name of a column that is given by name, or of a column without name by index. */
function nameOf(column: string | number): string {
  return typeof column === "number" ? placeName(column) : column;
}

/** Returns the column or condition whose classes are to be counted. */
function classesToCount(columns: SummaryColumns, options: SchemaOptions): string | undefined {
  const { target = columns.names.length - 1, task = "classification" } = options;
  const targets = typeof target === "object" ? target : [target];
  const [only] = targets;
  if (only === undefined || targets.length > 1 || task !== "classification") return undefined;
  const condition = typeof only === "string" ? conditionOf(only, columns.names) : undefined;
  if (condition !== undefined) {
    columns.placeOf(columnOfCondition(condition), "a target column");
    return condition;
  }
  const { name, kind, form } = columns.summaryAt(columns.placeOf(only, "a target column"));
  // Fractions are measures unless they are declared as classes.
  const isMeasure = kind === "number" && form === "real" && options.task === undefined &&
    options.classes === undefined;
  return kind === "missing" || isMeasure ? undefined : name;
}

/** Columns of a summary. */
class SummaryColumns implements SchemaColumns {
  readonly where = WHERE;
  readonly names: readonly string[];
  readonly length: number;
  readonly #summary: TableSummary;
  readonly #options: SchemaOptions;

  constructor(summary: TableSummary, options: SchemaOptions) {
    this.names = summary.columns.map(({ name }) => name);
    this.length = summary.rows;
    this.#summary = summary;
    this.#options = options;
  }

  placeOf(column: string | number, use: string): number {
    const areNamed = !this.names.every(isPlaceName);
    if (typeof column === "number" && areNamed && column !== this.names.length - 1) {
      throw new RangeError(
        `${WHERE}: expected ${use} by its name, as the order of the columns is not that of each site, got ${column}`,
      );
    }
    const place = typeof column === "number" ? column : this.names.indexOf(column);
    if (place >= 0 && place < this.names.length) return place;
    throw new RangeError(
      `${WHERE}: expected ${use} named ${quoted(`${column}`)}, got ${shownNames(this.names)}`,
    );
  }

  summaryAt(place: number): ColumnSummary {
    const summary = this.#summary.columns[place];
    if (summary === undefined) throw new RangeError(`${WHERE}: expected a column, got none`);
    return summary;
  }

  conflictAt(place: number, of: "values" | "classes"): string | undefined {
    return of === "classes" ? this.#summary.classConflict : this.summaryAt(place).conflict;
  }

  at(place: number): SourceColumn {
    const summary = this.summaryAt(place);
    const { name, unit } = summary;
    const { categories = [], target = this.names.length - 1 } = this.#options;
    const isTarget = typeof target === "number" ? place === target : target === name;
    return {
      name,
      unit: this.#options.units?.[name] ?? unit,
      where: WHERE,
      values: new SummaryValues(summary, isTarget ? this.#summary.classes : undefined),
      isCategory: categories.map(nameOf).includes(name),
    };
  }
}
