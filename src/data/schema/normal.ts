/**
 * Normal form of schemas: two schemas that mean the same are equal in it.
 *
 * @module
 */

import { shownBy } from "../../base/lazy.ts";
import { canonicalMarks } from "./missing_marks.ts";
import type { InputSchema, MissingValues, Schema, TargetSchema } from "./schema.ts";

/** Returns the schema without fields that state a default, its texts and numbers unchanged. */
export function normalSchema({ inputs, target }: Schema): Schema {
  return withDisplay({
    format: "fedlab.schema/1",
    inputs: inputs.map(normalInput),
    target: normalTarget(target),
  });
}

/** Gives a schema the method by which notebooks show it. */
export function withDisplay(schema: Schema): Schema {
  return shownBy(schema, async (own) => (await import("../display/schema.ts")).schemaMedia(own));
}

function normalMissing(missing: MissingValues | undefined): MissingValues | undefined {
  if (missing === undefined) return undefined;
  const { policy, fill, indicator } = missing;
  const values = canonicalMarks(missing.values ?? []);
  const marks = values.length > 0 && { values };
  if (policy === "error") return marks ? { policy, ...marks } : undefined;
  // A dropped row needs no indicator.
  return {
    policy,
    ...(fill !== undefined && { fill }),
    ...(indicator === true && policy !== "drop" && { indicator }),
    ...marks,
  };
}

function normalInput(input: InputSchema): InputSchema {
  if ("shape" in input) {
    const { name, kind, shape, columns, scale = 1, standardize, ...symbols } = input;
    const { vocabulary, tokenizer, generator } = symbols;
    return {
      ...{ name, kind, shape },
      ...(columns && { columns }),
      ...(scale !== 1 && { scale }),
      ...(standardize && { standardize }),
      ...(vocabulary && { vocabulary }),
      ...(tokenizer !== undefined && { tokenizer }),
      ...(generator && { generator }),
    };
  }
  const missing = normalMissing(input.missing);
  const policy = missing && { missing };
  const { name } = input;
  if (input.kind === "boolean") return { name, kind: "boolean", ...policy };
  if (input.kind === "category") {
    const { categories, unknown } = input;
    return {
      name,
      kind: "category",
      categories,
      ...(unknown === "other" && { unknown }),
      ...policy,
    };
  }
  const { unit, standardize } = input;
  return {
    name,
    kind: "number",
    ...(unit !== undefined && { unit }),
    ...policy,
    ...(standardize && { standardize }),
  };
}

function normalMarks(given: readonly string[] = []): { missingValues?: readonly string[] } {
  const missingValues = canonicalMarks(given);
  return missingValues.length > 0 ? { missingValues } : {};
}

function normalTarget(target: TargetSchema): TargetSchema {
  const { name, task } = target;
  switch (target.task) {
    case "classification": {
      const { classes, steps, from, missingValues } = target;
      return {
        ...{ name, task: target.task, classes },
        ...(steps !== undefined && { steps }),
        ...(from !== undefined && { from }),
        ...normalMarks(missingValues),
      };
    }
    case "multi-label":
      return {
        name,
        task: target.task,
        labels: target.labels,
        ...normalMarks(target.missingValues),
      };
    case "regression":
      return {
        name,
        task: target.task,
        outputs: target.outputs.map(({ name, unit, standardize, missingValues }) => ({
          name,
          ...(unit !== undefined && { unit }),
          ...(standardize && { standardize }),
          ...normalMarks(missingValues),
        })),
      };
    default:
      throw new TypeError(`Cannot use the schema: expected a known task, got ${task}`);
  }
}
