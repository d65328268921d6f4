/**
 * Samples of a handler, arranged by the schema of a run.
 *
 * @module
 */

import { Dataset } from "../data/dataset.ts";
import { areNumbered, hasClassNames } from "../data/schema/array_schema.ts";
import { compareSchemas } from "../data/schema/compare.ts";
import type { DataSource } from "../data/schema/data_source.ts";
import { inputShape, numOutputs, outputNames } from "../data/schema/features.ts";
import { hasGenerator, hasNamedColumns } from "../data/schema/named.ts";
import type { InputSchema, Schema } from "../data/schema/schema.ts";
import { Samples, type SamplesOptions } from "./samples.ts";

/** Samples of a handler before the schema of its run is known. */
export interface SourceOptions extends Omit<SamplesOptions, "data"> {
  readonly data: Dataset | DataSource;
}

/**
 * Checks samples that are known already.
 *
 * @returns The samples; `undefined` for a source, which is read when the schema is known.
 * @throws {RangeError} If there are no rows, or a feature is not finite.
 * @throws {TypeError} If rows of a source are given, which has none yet.
 */
export function knownSamples({ data, ...options }: SourceOptions): Samples | undefined {
  if (data instanceof Dataset) return Samples.of({ data, ...options });
  if (options.rows === undefined && options.testRows === undefined) return undefined;
  throw new TypeError(
    `Cannot make a handler: expected no rows of ${data.name}, which is not arranged yet`,
  );
}

/**
 * Arranges the samples of a handler by a schema. A data set is arranged already: it is checked.
 *
 * @param schema The schema; `undefined` where there is none.
 * @throws {RangeError} If the data do not fit the schema. The message names the first difference.
 */
export async function arrangeSamples(
  { data, testData, ...rows }: SourceOptions,
  schema: Schema | undefined,
): Promise<Samples> {
  if (data instanceof Dataset) {
    if (schema) {
      checkSchema(data, schema);
      if (testData) checkSchema(testData, schema);
    }
    return Samples.of({ data, ...rows, ...(testData && { testData }) });
  }
  const { train, test } = await data.arrange(schema);
  if (testData && schema) checkSchema(testData, schema);
  const tested = testData ?? test;
  return Samples.of({ data: train, ...(tested && { testData: tested }) });
}

/**
 * Checks that a data set is arranged by a schema. Data without names agree with a schema without
 * names if shape, task, number of classes and preprocessing do.
 *
 * @throws {RangeError} If it is not.
 */
export function checkSchema(data: Dataset, schema: Schema): void {
  if (data.schema === schema) return;
  const difference = data.schema === undefined
    ? compareArrays(data, schema)
    : compareSchemas(schema, withAllClasses(data.schema, schema));
  if (difference !== undefined) {
    throw new RangeError(`Cannot use the data: ${difference}`);
  }
}

/**
 * Returns the schema of data without names with the classes of the other schema. Numbers are no
 * names: they agree with the order of the classes, and such data may lack the last of them.
 */
function withAllClasses(own: Schema, other: Schema): Schema {
  const { target } = own;
  if (target.task !== "classification" || !isNumbered(own) || hasClassNames(own)) return own;
  const all = outputNames(other);
  if (!isNumbered({ ...own, target: { ...target, classes: all } }) && !isArray(other)) return own;
  if (target.classes.length > all.length) return own;
  return { ...own, target: { ...target, classes: all } };
}

/** Returns true for a schema without names of columns whose classes are numbers. */
function isNumbered(schema: Schema): boolean {
  return !hasNamedColumns(schema) && areNumbered(outputNames(schema));
}

/** Returns true for a schema of arrays, images or sequences. */
function isArray({ inputs }: Schema): boolean {
  return inputs.every((input) => "shape" in input);
}

/** Compares data without a schema. */
function compareArrays(
  { shape, task, numClasses, outputs }: Dataset,
  schema: Schema,
): string | undefined {
  const expected = inputShape(schema), count = numOutputs(schema);
  if (hasNamedColumns(schema)) {
    return `expected data with the column ${schema.inputs[0]?.name}, got data without a schema`;
  }
  if (shape.join() !== expected.join()) return `expected the shape [${expected}], got [${shape}]`;
  if (task !== schema.target.task) return `expected the task ${schema.target.task}, got ${task}`;
  if (task !== "classification" && outputs !== count) {
    return `expected ${count} outputs, got ${outputs}`;
  }
  const steps = schema.target.task === "classification" ? schema.target.steps ?? 1 : outputs;
  if (outputs !== steps) return `expected ${steps} steps with a class, got ${outputs}`;
  if (numClasses > count) return `expected at most ${count} classes, got ${numClasses}`;
  const undeclared = hasGenerator(schema)
    ? "generator"
    : !schema.inputs.every(isPlain)
    ? "preprocessing"
    : task === "classification" && !isNumbered(schema) && !isArray(schema)
    ? "classes"
    : undefined;
  return undeclared &&
    `expected data that state their ${undeclared} in a schema, got data without one`;
}

/** Returns true for an input whose values are features as they are. */
function isPlain(input: InputSchema): boolean {
  if ("shape" in input) return input.scale === undefined && input.standardize === undefined;
  return input.kind === "number" && input.standardize === undefined && input.missing === undefined;
}
