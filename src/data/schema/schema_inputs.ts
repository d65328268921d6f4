/**
 * Inputs of a schema that is made from tables.
 *
 * @module
 */

import {
  type ColumnKind,
  type ColumnValues,
  jointMoments,
  MAX_INFERRED_CATEGORIES,
  mostFrequent,
} from "./column_values.ts";
import { checkNoDecimalCommas } from "./mixed_column.ts";
import { markedValues } from "./missing_marks.ts";
import { canonicalName, isPlaceName, quoted, shownName, sortNames, toBoolean } from "./names.ts";
import { MAX_NAMES } from "./parse.ts";
import type { SchemaOptions } from "./options.ts";
import type { InputSchema, MissingValues } from "./schema.ts";

/** Column of which an input is made. */
export interface SourceColumn {
  readonly name: string;
  readonly unit: string | undefined;
  readonly values: ColumnValues;
  /** Throws where most values are numbers although some are texts, if the values are at hand. */
  readonly checkNoNumbers?: () => void;
  /** Start of messages, such as `Cannot use ward.csv`. */
  readonly where: string;
  /** True for a column that is listed as one of categories. */
  readonly isCategory: boolean;
}

/** Returns the policy for a column, in a form that its kind has. */
export function policyFor(
  name: string,
  kind: ColumnKind,
  missing: SchemaOptions["missing"] = {},
): MissingValues {
  if (Object.hasOwn(missing, name)) return missing[name] ?? { policy: "error" };
  const common = missing[""] ?? { policy: "error" };
  const { policy, ...others } = common;
  if (kind === "number" || (policy !== "mean" && policy !== "median")) return common;
  return { ...others, policy: "most-frequent" };
}

/** Makes an input with its categories, fill value and standardization. */
export function inputOf(column: SourceColumn, options: SchemaOptions): InputSchema {
  const { name, unit, where, isCategory } = column;
  const kind = isCategory ? "category" : column.values.kind;
  if (kind === undefined || (isCategory && column.values.counts.size === 0)) {
    throw new RangeError(
      `${where}: expected values in column ${
        shownName(name)
      }, got none, leave it out (--exclude-columns)`,
    );
  }
  if (unit !== undefined && kind !== "number") {
    throw new RangeError(
      `${where}: expected numbers in column ${shownName(name)} of unit ${
        shownName(unit)
      }, got a ${kind}`,
    );
  }
  const values = markedValues(name, options);
  const policy = {
    ...policyFor(name, kind, options.missing),
    ...(values.length > 0 && { values }),
  };
  if (kind !== "number" && (policy.policy === "mean" || policy.policy === "median")) {
    throw new RangeError(
      `${where}: expected numbers in column ${
        shownName(name)
      } for the policy ${policy.policy}, got a ${kind}`,
    );
  }
  switch (kind) {
    case "number":
      return numberInput(column, policy, options.standardize === true);
    case "category":
      if (!isCategory) column.checkNoNumbers?.();
      return categoryInput(column, policy, options.unknownCategory);
    case "boolean":
      return booleanInput(column, policy);
  }
}

/** Makes one array or image of columns of numbers. */
export function arrayInputOf(
  columns: readonly SourceColumn[],
  { shape = [columns.length], scale = 1, standardize = false }: SchemaOptions,
): InputSchema {
  const width = shape.reduce((product, size) => product * size, 1);
  if (width !== columns.length) {
    throw new RangeError(
      `${
        columns[0]?.where
      }: expected ${width} columns of features for the shape [${shape}], got ${columns.length}`,
    );
  }
  if (!Number.isFinite(scale)) {
    throw new RangeError(`${columns[0]?.where}: expected a finite scale, got ${scale}`);
  }
  const isImage = shape.length === 3;
  const groups = (isImage ? shape[2] : undefined) ?? width;
  const moments = Array.from({ length: standardize ? groups : 0 }, (_, group) => {
    const own = columns.filter((_, i) => i % groups === group).map(({ values }) => values);
    const { mean, deviation } = jointMoments(own);
    return { mean: mean * scale, deviation: deviation * Math.abs(scale) };
  });
  const names = columns.map(({ name }) => name);
  return {
    name: isImage ? "image" : "features",
    kind: isImage ? "image" : "array",
    shape,
    ...(!names.some(isPlaceName) && { columns: names }),
    scale,
    ...(standardize && {
      standardize: {
        mean: moments.map(({ mean }) => mean),
        deviation: moments.map(({ deviation }) => deviation),
      },
    }),
  };
}

function withMissing(missing: MissingValues, fill?: MissingValues["fill"]) {
  const { policy, indicator, values, fill: given = fill } = missing;
  if (policy === "error" && !values) return {};
  return {
    missing: {
      policy,
      ...(given !== undefined && { fill: given }),
      ...(indicator && { indicator }),
      ...(values && { values }),
    },
  };
}

function refuseFill({ name, where }: SourceColumn, expected: string, fill: unknown): never {
  throw new RangeError(
    `${where}: expected ${expected} to fill in for column ${shownName(name)}, got ${
      quoted(`${fill}`)
    }`,
  );
}

function numberInput(
  column: SourceColumn,
  missing: MissingValues,
  standardizes: boolean,
): InputSchema {
  const { name, unit, values, where } = column;
  const { infinite } = values;
  if (infinite !== undefined) {
    throw new RangeError(
      `${where}: expected finite numbers in column ${shownName(name)}, got ${infinite}`,
    );
  }
  const fill = (): number | undefined => {
    switch (missing.policy) {
      case "mean":
        return values.moments.mean;
      case "median":
        return values.median;
      case "most-frequent": {
        const { counts } = values;
        return Number(mostFrequent(counts, sortNames(counts.keys())));
      }
      case "constant": {
        const given = missing.fill;
        if (typeof given === "number" && Number.isFinite(given)) return given;
        return refuseFill(column, "a number", given);
      }
      default:
        return undefined;
    }
  };
  return {
    name,
    kind: "number",
    ...(unit !== undefined && { unit }),
    ...withMissing(missing, fill()),
    ...(standardizes && { standardize: values.moments }),
  };
}

function categoryInput(
  column: SourceColumn,
  missing: MissingValues,
  unknown: SchemaOptions["unknownCategory"],
): InputSchema {
  const { name, values: { counts }, where, isCategory } = column;
  const most = isCategory ? MAX_NAMES : MAX_INFERRED_CATEGORIES;
  if (counts.size > most) {
    throw new RangeError(
      `${where}: expected at most ${most} categories in column ${
        shownName(name)
      }, got ${counts.size}${
        isCategory
          ? ""
          : ", leave it out (--exclude-columns) or list it as one of categories (--categories)"
      }`,
    );
  }
  if (!isCategory) {
    checkNoDecimalCommas(where, name, counts, "that the column has categories (--categories)");
  }
  const found = sortNames(counts.keys());
  const fill = missing.policy === "most-frequent"
    ? mostFrequent(counts, found)
    : missing.policy === "constant"
    ? canonicalName(missing.fill ?? refuseFill(column, "a category", missing.fill))
    : undefined;
  const isNew = fill !== undefined && !counts.has(fill);
  const { fill: _, ...others } = missing;
  return {
    name,
    kind: "category",
    categories: isNew ? sortNames([...found, fill]) : found,
    ...(unknown === "other" && { unknown }),
    ...withMissing(others, fill),
  };
}

function booleanInput(column: SourceColumn, missing: MissingValues): InputSchema {
  const { name, values } = column;
  const fill = (): boolean | undefined => {
    if (missing.policy === "most-frequent") {
      const counts = new Map([["false", 0], ["true", 0]]);
      for (const [text, count] of values.counts) {
        const key = `${toBoolean(text)}`;
        counts.set(key, (counts.get(key) ?? 0) + count);
      }
      return mostFrequent(counts, ["false", "true"]) === "true";
    }
    if (missing.policy !== "constant") return undefined;
    return toBoolean(`${missing.fill}`) ?? refuseFill(column, "true or false", missing.fill);
  };
  const { fill: _, ...others } = missing;
  return {
    name,
    kind: "boolean",
    ...withMissing(others, fill()),
  };
}
