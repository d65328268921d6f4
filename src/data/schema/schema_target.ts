/**
 * Target of a schema that is made from tables.
 *
 * @module
 */

import { MAX_CLASSES } from "../limits.ts";
import { isCondition, parseCondition } from "./condition.ts";
import { markedValues } from "./missing_marks.ts";
import { checkNoDecimalCommas } from "./mixed_column.ts";
import { canonicalName, numberOfText, quoted, shownName, shownNames, sortNames } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import type { SourceColumn } from "./schema_inputs.ts";
import type { OutputSchema, TargetSchema, Task } from "./schema.ts";

const MANY_CLASSES = 100;
const FEW_ROWS = 10;
const NAME_THEM = "name the classes (option classes, --classes)";

/** Target, and lines about choices that may be wrong. */
export interface MadeTarget {
  readonly target: TargetSchema;
  readonly warnings: readonly string[];
}

/**
 * Makes a target of one column.
 *
 * @param from Condition that derives the class, if there is one.
 */
export function targetOf(
  column: SourceColumn,
  from: string | undefined,
  options: SchemaOptions,
): MadeTarget {
  const { name, where, values } = column;
  const { task, classes } = options;
  if (from !== undefined) {
    if (task !== undefined && task !== "classification") {
      throw new RangeError(`${where}: expected the task classification for ${from}, got ${task}`);
    }
    const marked = missingValuesOf(name, options);
    return {
      target: { name, task: "classification", classes: ["false", "true"], from, ...marked },
      warnings: [],
    };
  }
  if (values.kind === undefined && classes === undefined) {
    throw new RangeError(
      `${where}: expected values in the target column ${shownName(name)}, got none`,
    );
  }
  const hasFractions = values.kind === "number" && values.hasFractions;
  const chosen: Task = task ?? (hasFractions && !classes ? "regression" : "classification");
  if (chosen === "regression") return measuresOf([column], options);
  if (chosen === "multi-label") return labelsOf([column], options);
  return classesOf(column, options);
}

/** Makes a target of several columns. */
export function targetOfColumns(
  columns: readonly SourceColumn[],
  options: SchemaOptions,
): MadeTarget {
  const { task } = options;
  if (task === "classification") {
    throw new RangeError(
      `${
        columns[0]?.where
      }: expected one target column for the task classification, got ${columns.length}`,
    );
  }
  const areBoolean = columns.every(({ values }) => values.kind === "boolean");
  return (task ?? (areBoolean ? "multi-label" : "regression")) === "multi-label"
    ? labelsOf(columns, options)
    : measuresOf(columns, options);
}

/** Reads the condition of a target; `undefined` for the name of a column. */
export function conditionOf(target: string, names: readonly string[]): string | undefined {
  return !names.includes(target) && isCondition(target) ? target : undefined;
}

/** Returns the column of a condition. */
export function columnOfCondition(condition: string): string {
  return parseCondition(condition).column;
}

function missingValuesOf(
  name: string,
  options: SchemaOptions,
): Pick<OutputSchema, "missingValues"> {
  const missingValues = markedValues(name, options);
  return missingValues.length === 0 ? {} : { missingValues };
}

function labelsOf(columns: readonly SourceColumn[], options: SchemaOptions): MadeTarget {
  const labels = columns.map(({ name }) => name);
  const [first = "", ...others] = labels.map((name) => markedValues(name, options).join("\n"));
  const other = others.findIndex((marks) => marks !== first);
  if (other >= 0) {
    throw new RangeError(
      `${
        columns[0]?.where
      }: expected the same missing values of all labels (--missing-values), got others of ${
        shownName(labels[other + 1] ?? "")
      }`,
    );
  }
  const marked = missingValuesOf(labels[0] ?? "", options);
  return {
    target: { name: nameOf(columns), task: "multi-label", labels, ...marked },
    warnings: [],
  };
}

function nameOf(columns: readonly SourceColumn[]): string {
  const [first, ...others] = columns;
  return others.length === 0 ? first?.name ?? "target" : "targets";
}

function measuresOf(columns: readonly SourceColumn[], options: SchemaOptions): MadeTarget {
  const outputs = columns.map(({ name, unit, values, where }): OutputSchema => {
    if (values.kind !== "number") {
      const [text = "none"] = values.counts.keys().filter((one) => numberOfText(one) === undefined);
      throw new RangeError(
        `${where}: expected numbers in the target column ${shownName(name)}, got ${quoted(text)}`,
      );
    }
    return {
      name,
      ...(unit !== undefined && { unit }),
      ...(options.standardize && { standardize: values.moments }),
      ...missingValuesOf(name, options),
    };
  });
  return { target: { name: nameOf(columns), task: "regression", outputs }, warnings: [] };
}

function classesOf(
  { name, where, values }: SourceColumn,
  options: SchemaOptions,
): MadeTarget {
  const { classes: given } = options;
  const marked = missingValuesOf(name, options);
  const { counts } = values;
  const found = sortNames(counts.keys());
  const made = (classes: readonly string[], warnings: readonly string[] = []): MadeTarget => ({
    target: { name, task: "classification", classes, ...marked },
    warnings,
  });
  if (given) {
    const classes = given.map(canonicalName);
    const twice = classes.find((one, i) => classes.indexOf(one) !== i);
    if (twice !== undefined) {
      throw new RangeError(
        `${where}: expected the name of each class once, got ${quoted(twice)} twice`,
      );
    }
    const known = new Set(classes);
    const unknown = found.filter((one) => !known.has(one));
    if (unknown.length > 0) {
      throw new RangeError(
        `${where}: expected the classes ${shownNames(classes)}; got ${shownNames(unknown)}`,
      );
    }
    return made(classes);
  }
  if (found.length > MAX_CLASSES) {
    throw new RangeError(
      `${where}: expected at most ${MAX_CLASSES} classes, got ${found.length} different labels`,
    );
  }
  checkNoDecimalCommas(where, name, counts, NAME_THEM);
  const numbers = found.map(numberOfText);
  const numWhole = numbers.filter((x) => x !== undefined && Number.isInteger(x)).length;
  if (numWhole < found.length && numWhole > 0) {
    const isOdd = (i: number) => Number.isInteger(numbers[i]) === (2 * numWhole < found.length);
    const odd = found.find((_, i) => isOdd(i)) ?? "";
    throw new RangeError(
      `${where}: column ${shownName(name)}: expected ${
        2 * numWhole < found.length ? "a name" : "a whole number"
      } as other labels are, got ${quoted(odd)}, ${NAME_THEM} if it is right`,
    );
  }
  const warnings = [
    ...(numWhole === found.length && found.length > MANY_CLASSES &&
        totalOf(counts) < FEW_ROWS * found.length
      ? [
        `The target ${shownName(name)} has ${found.length} different whole numbers in ${
          totalOf(counts)
        } rows: if it is a measure, choose the task regression (--task regression)`,
      ]
      : []),
  ];
  // Several labels without a 0 are names that happen to be numbers.
  const isCounted = numWhole === found.length && numbers.every((x) => (x ?? -1) >= 0) &&
    (counts.has("0") || found.length === 1);
  if (!isCounted) return made(found, warnings);
  const largest = Math.max(...numbers.map((x) => x ?? 0));
  if (largest >= MAX_CLASSES) {
    throw new RangeError(
      `${where}: expected labels from 0 to ${
        MAX_CLASSES - 1
      }, got ${largest}; ${NAME_THEM}, or choose the task regression (--task regression)`,
    );
  }
  const classes = Array.from({ length: largest + 1 }, (_, i) => `${i}`);
  const without = classes.filter((one) => !counts.has(one));
  return made(classes, [
    ...warnings,
    ...(without.length === 0 ? [] : [
      `No row has the ${without.length === 1 ? "class" : "classes"} ${
        shownNames(without)
      } of the target ${
        shownName(name)
      }, whose labels are taken for numbers from 0: ${NAME_THEM} if these are not meant`,
    ]),
  ]);
}

function totalOf(counts: ReadonlyMap<string, number>): number {
  return counts.values().reduce((sum, count) => sum + count, 0);
}
