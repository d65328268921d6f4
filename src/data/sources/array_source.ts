/**
 * Data sets without columns as a source of data.
 *
 * @module
 */

import { type Dataset, datasetOf, storedFeatures } from "../dataset.ts";
import { trustFinite } from "../finite.ts";
import { shareableFloats } from "../shareable.ts";
import {
  areNumbered,
  arrayMoments,
  arraySchema,
  hasClassNames,
  standardizerOf,
} from "../schema/array_schema.ts";
import { compareSchemas } from "../schema/compare.ts";
import type { ArrangedData, DataSource } from "../schema/data_source.ts";
import { canonicalJson } from "../schema/digest.ts";
import { shownName, shownNames } from "../schema/names.ts";
import { normalSchema } from "../schema/normal.ts";
import type { ArrayInput, RegressionTarget, Schema, TargetSchema } from "../schema/schema.ts";

/** Parts of a source of arrays. */
export interface ArraySourceParts {
  /** Name in messages. */
  readonly name: string;
  /** Rows to train on, with their schema, or without one if their values have no preprocessing. */
  readonly train: Dataset;
  /** Rows to evaluate on. */
  readonly test?: Dataset;
  /**
   * Standardization of the features where the data make the schema themselves.
   *
   * @default {false}
   */
  readonly standardize?: boolean;
}

/** Array schema with its only input and its classes. */
interface Meaning {
  readonly schema: Schema;
  readonly input: ArrayInput;
  readonly target: TargetSchema;
}

/**
 * Makes a source from data sets without columns, such as images.
 *
 * They agree with a schema if shape, scale and classes do; the schema's standardization is applied.
 * Classes are matched by name; those of data without names of classes are matched by number.
 */
export function arraySource(parts: ArraySourceParts): DataSource {
  const { name, train, test, standardize = false } = parts;
  const { shape, task, outputs, numClasses } = train;
  const own = train.schema ?? arraySchema({ shape, task, outputs, numClasses });
  return {
    name,
    arrange: (given) =>
      Promise.resolve().then((): ArrangedData => {
        const base = meaningOf(own, name);
        const schema = given ? normalSchema(given) : ownSchema(base, train, standardize);
        const wanted = meaningOf(schema, name);
        const arrange = arrangement(name, base, wanted);
        return { train: arrange(train), ...(test && { test: arrange(test) }), notes: [] };
      }),
  };
}

function meaningOf(schema: Schema, name: string): Meaning {
  const [input, ...others] = schema.inputs;
  const { target } = schema;
  if (!input || others.length > 0 || !("shape" in input)) {
    throw new RangeError(
      `Cannot use ${name}: expected the column ${
        shownName(input?.name ?? "")
      }, got data without columns`,
    );
  }
  return { schema, input, target };
}

function ownSchema({ schema, input, target }: Meaning, train: Dataset, fits: boolean): Schema {
  if (!fits || input.standardize) return schema;
  return { ...schema, inputs: [{ ...input, standardize: arrayMoments(train) }], target };
}

/** Makes the function that arranges a data set by a schema. */
function arrangement(
  name: string,
  own: Meaning,
  wanted: Meaning,
): (data: Dataset) => Dataset {
  const { input, target, schema } = wanted;
  const isApplied = own.input.standardize !== undefined;
  const { standardize: _, columns, ...plain } = input;
  const { columns: ownColumns, ...ownInput } = own.input;
  // Arrays have no names, so names are compared where both have some.
  const named = columns && ownColumns;
  const preprocessed = isApplied && input.standardize ? { standardize: input.standardize } : {};
  const expected: Schema = {
    ...schema,
    inputs: [{ ...plain, ...(named && { columns }), ...preprocessed }],
    target: own.target,
  };
  const got: Schema = {
    ...own.schema,
    inputs: [{ ...ownInput, ...(named && { columns: ownColumns }), name: input.name }],
  };
  const difference = schema === own.schema ? undefined : compareSchemas(expected, got);
  if (difference !== undefined) throw new RangeError(`Cannot use ${name}: ${difference}`);
  const arrangeTargets = targetMap(name, own.target, target, hasClassNames(own.schema));
  const standardized = standardizerOf(isApplied ? plain : input);
  return (data) => {
    const isSame = isApplied || !input.standardize;
    const { rowLength } = data;
    const features = isSame ? storedFeatures(data) : shareableFloats(data.length * rowLength);
    if (features instanceof Float32Array && !isSame) {
      data.features.forEach((value, i) => {
        const feature = Math.fround(standardized(value, i % rowLength));
        if (!Number.isFinite(feature)) {
          throw new RangeError(
            `Cannot standardize: expected finite features, before and after, got ${value} in row ${
              Math.floor(i / rowLength)
            }, which becomes ${feature}`,
          );
        }
        features[i] = feature;
      });
    }
    const { weights } = data;
    const arranged = datasetOf(features, {
      ...{ shape: data.shape, task: data.task, schema },
      targets: arrangeTargets(data.targets),
      outputs: data.outputs,
      ...(target.task === "classification" && { numClasses: target.classes.length }),
      ...(weights && { weights }),
    });
    return isSame ? arranged : trustFinite(arranged);
  };
}

type Targets = Dataset["targets"];

/**
 * Returns the function that gives targets the meaning that is wanted.
 *
 * @throws {RangeError} If they mean other things.
 */
function targetMap(
  name: string,
  own: TargetSchema,
  wanted: TargetSchema,
  isNamed: boolean,
): (targets: Targets) => Targets {
  const refuse = (expected: string, got: string): never => {
    throw new RangeError(`Cannot use ${name}: expected ${expected}, got ${got}`);
  };
  if (own.task === "classification" && wanted.task === "classification") {
    const { steps = 1 } = wanted, { steps: ownSteps = 1 } = own;
    if (ownSteps !== steps) refuse(`${steps} steps with a class`, `${ownSteps}`);
    const classOf = classMap(name, own.classes, wanted.classes, isNamed);
    if (classOf === undefined) return (targets) => targets;
    // The symbols of a sequence are features as well: their order is that of the schema.
    if (steps > 1) refuse("the classes in the order of the schema", "another order");
    return (targets) => targets.map(classOf);
  }
  if (own.task === "multi-label" && wanted.task === "multi-label") {
    if (!agree(own.labels, wanted.labels)) {
      refuse(`the labels ${shownNames(wanted.labels)}`, shownNames(own.labels));
    }
    return (targets) => targets;
  }
  if (own.task === "regression" && wanted.task === "regression") {
    const [got, expected] = [own.outputs, wanted.outputs];
    if (!agree(got.map(({ name }) => name), expected.map(({ name }) => name))) {
      refuse(
        `the measures ${shownNames(expected.map(({ name }) => name))}`,
        shownNames(got.map(({ name }) => name)),
      );
    }
    for (const [i, { name, unit }] of expected.entries()) {
      const declared = got[i]?.unit;
      if (declared === undefined || declared === unit) continue;
      const inUnit = unit === undefined ? "without a unit" : `in ${shownName(unit)}`;
      refuse(`the measure ${shownName(name)} ${inUnit}`, shownName(declared));
    }
    // Measures that are standardized already must be so as is wanted; others are raw.
    const isRaw = got.every(({ standardize }) => standardize === undefined);
    const figures = (outputs: RegressionTarget["outputs"]) =>
      canonicalJson(outputs.map(({ standardize = null }) => standardize));
    if (!isRaw && figures(got) !== figures(expected)) {
      refuse("measures standardized as the schema says", "others");
    }
    return isRaw ? (targets) => standardizedTargets(targets, wanted) : (targets) => targets;
  }
  return refuse(`the task ${wanted.task}`, own.task);
}

/** Returns true if names are the wanted ones, or numbers of as many. */
function agree(own: readonly string[], wanted: readonly string[]): boolean {
  return own.length === wanted.length &&
    (areNumbered(own) || own.every((one, i) => one === wanted[i]));
}

function standardizedTargets(targets: Targets, { outputs }: RegressionTarget): Targets {
  if (outputs.every(({ standardize }) => standardize === undefined)) return targets;
  return Float32Array.from(targets, (value, i) => {
    const { mean = 0, deviation = 1 } = outputs[i % outputs.length]?.standardize ?? {};
    return deviation === 0 ? 0 : (value - mean) / deviation;
  });
}

/** Returns the map of class numbers; `undefined` if they stay. */
function classMap(
  name: string,
  own: readonly string[],
  wanted: readonly string[],
  isNamed: boolean,
): ((label: number) => number) | undefined {
  if (own.every((one, i) => one === wanted[i])) return undefined;
  const refuse = (got: readonly string[]): never => {
    throw new RangeError(
      `Cannot use ${name}: expected the classes ${shownNames(wanted)}; got ${shownNames(got)}`,
    );
  };
  // Numbers are no names: they agree with the order of the classes.
  if (!isNamed && areNumbered(own) && !own.every((one) => wanted.includes(one))) {
    if (own.length > wanted.length) refuse(own.slice(wanted.length));
    return undefined;
  }
  const unknown = own.filter((one) => !wanted.includes(one));
  if (unknown.length > 0) refuse(unknown);
  const places = own.map((one) => wanted.indexOf(one));
  return (label) => places[label] ?? -1;
}
