/**
 * Reader of schemas from a foreign source, such as a file or a peer.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { parseCondition } from "./condition.ts";
import { generatorReader } from "./generator.ts";
import { quoted, shownName } from "./names.ts";
import { normalSchema } from "./normal.ts";
import type { InputSchema, Schema } from "./schema.ts";

/** Format that this version reads and writes. */
export const SCHEMA_FORMAT = "fedlab.schema/1";

/** Most inputs of a schema. */
export const MAX_INPUTS = 100_000;

/** Most categories of all inputs, classes and outputs together. */
export const MAX_NAMES = 1_000_000;

/** Most features of a row. */
const MAX_WIDTH = 2 ** 28;
/** Most values of a column that stand for a missing one. */
const MAX_MARKS = 100;

const name = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(1024),
  v.check((text) => !/[\p{Cc}\p{Cs}]/u.test(text), "expected a name without control characters"),
);
const unit = v.exactOptional(name);
const number = v.pipe(v.number(), v.finite());
const notNegative = v.pipe(number, v.minValue(0));
const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_WIDTH));
const names = v.pipe(
  v.array(name),
  v.minLength(1),
  v.maxLength(MAX_NAMES),
  v.check((list) => new Set(list).size === list.length, "expected each name once"),
);
const marks = v.exactOptional(
  v.pipe(v.array(name), v.minLength(1), v.maxLength(MAX_MARKS)),
);
const standardization = v.strictObject({ mean: number, deviation: notNegative });
const POLICIES = ["error", "drop", "constant", "mean", "median", "most-frequent"] as const;
const missing = v.exactOptional(v.strictObject({
  policy: v.picklist(POLICIES),
  fill: v.exactOptional(v.union([number, name, v.boolean()])),
  indicator: v.exactOptional(v.boolean()),
  values: marks,
}));
const arrayFields = {
  name,
  shape: v.pipe(v.array(size), v.minLength(1), v.maxLength(8)),
  columns: v.exactOptional(names),
  ...{ scale: v.exactOptional(number), generator: v.exactOptional(generatorReader) },
  standardize: v.exactOptional(
    v.strictObject({ mean: v.array(number), deviation: v.array(notNegative) }),
  ),
  vocabulary: v.exactOptional(names),
  tokenizer: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected a SHA-256"))),
};

const input = v.variant("kind", [
  v.strictObject({
    name,
    kind: v.literal("number"),
    unit,
    missing,
    standardize: v.exactOptional(standardization),
  }),
  v.strictObject({
    name,
    kind: v.literal("category"),
    categories: names,
    unknown: v.exactOptional(v.picklist(["error", "other"])),
    missing,
  }),
  v.strictObject({ name, kind: v.literal("boolean"), missing }),
  v.strictObject({ ...arrayFields, kind: v.literal("array") }),
  v.strictObject({ ...arrayFields, kind: v.literal("image") }),
  v.strictObject({ ...arrayFields, kind: v.literal("sequence") }),
]);

const output = v.strictObject({
  name,
  unit,
  missingValues: marks,
  standardize: v.exactOptional(standardization),
});

const target = v.variant("task", [
  v.strictObject({
    name,
    task: v.literal("classification"),
    classes: names,
    steps: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(2))),
    from: v.exactOptional(name),
    missingValues: marks,
  }),
  v.strictObject({ name, task: v.literal("multi-label"), labels: names, missingValues: marks }),
  v.strictObject({
    name,
    task: v.literal("regression"),
    outputs: v.pipe(v.array(output), v.minLength(1), v.maxLength(MAX_NAMES)),
  }),
]);

const schema = v.strictObject({
  format: v.literal(SCHEMA_FORMAT),
  inputs: v.pipe(v.array(input), v.minLength(1), v.maxLength(MAX_INPUTS)),
  target,
});

/**
 * Reads a schema from a foreign source. Fields that state a default are left out of the result.
 *
 * @throws {TypeError} If a field is missing, malformed or unknown, or two contradict each other.
 * The message names the field.
 *
 * @example A schema of one input
 * ```ts
 * import { parseSchema } from "@fedlab/core/data";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const schema = parseSchema({
 *   format: "fedlab.schema/1",
 *   inputs: [{ name: "age", kind: "number", unit: "years" }],
 *   target: { name: "ill", task: "classification", classes: ["no", "yes"] },
 * });
 * assertEquals(schema.inputs[0]?.name, "age");
 * assertThrows(() => parseSchema({ ...schema, inputs: [] }), TypeError, "inputs");
 * ```
 */
export function parseSchema(value: unknown): Schema {
  checkSize(value);
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (!result.success) throw malformed(result.issues[0]);
  const read: Schema = result.output;
  read.inputs.forEach(checkInput);
  checkNames(read);
  return normalSchema(read);
}

function refuse(field: string, expected: string): never {
  throw new TypeError(`Cannot read the schema: field ${field}: ${expected}`);
}

function malformed(issue: v.BaseIssue<unknown>): TypeError {
  const path = shownName(v.getDotPath(issue) ?? "") || "the whole";
  if (issue.type === "check") {
    return new TypeError(`Cannot read the schema: field ${path}: ${issue.message}`);
  }
  const isMissing = issue.received === "undefined";
  // Of a field that is unknown, valibot expects "never".
  const expected = issue.expected === "never" ? "no such field" : issue.expected ?? issue.type;
  return new TypeError(
    `Cannot read the schema: field ${path}: expected ${shownName(expected)}, got ${
      isMissing ? "none" : shownName(issue.received)
    }`,
  );
}

/** Refuses schemas of too many names before each is looked at. */
function checkSize(value: unknown): void {
  const inputs = (value as { inputs?: unknown } | null | undefined)?.inputs;
  if (!Array.isArray(inputs)) return;
  if (inputs.length > MAX_INPUTS) {
    refuse("inputs", `expected at most ${MAX_INPUTS}, got ${inputs.length}`);
  }
  let count = 0;
  for (const one of inputs) {
    for (const list of [one?.categories, one?.vocabulary, one?.columns, one?.missing?.values]) {
      if (Array.isArray(list)) count += list.length;
    }
  }
  if (count > MAX_NAMES) {
    refuse("inputs", `expected at most ${MAX_NAMES} categories in all, got ${count}`);
  }
}

function checkInput(input: InputSchema, index: number): void {
  const at = (field: string) => `inputs.${index}.${field} (${shownName(input.name)})`;
  if ("shape" in input) {
    const { shape, standardize, kind, columns } = input;
    const width = shape.reduce((product, size) => product * size, 1);
    if (width > MAX_WIDTH) refuse(at("shape"), `expected at most ${MAX_WIDTH} features`);
    if (kind === "image" && shape.length !== 3) {
      refuse(at("shape"), `expected height, width and channels, got [${shape}]`);
    }
    if (columns && columns.length !== width) {
      refuse(at("columns"), `expected ${width} names for the shape, got ${columns.length}`);
    }
    const count = kind === "image" ? shape[2] ?? 1 : width;
    for (const list of [standardize?.mean, standardize?.deviation]) {
      if (list && list.length !== count) {
        refuse(at("standardize"), `expected lists of ${count} numbers, got ${list.length}`);
      }
    }
    return;
  }
  const { policy, fill } = input.missing ?? {};
  if (policy === "constant" && fill === undefined) {
    refuse(at("missing.fill"), "expected a value to fill in, got none");
  }
  if ((policy === "error" || policy === "drop") && fill !== undefined) {
    refuse(at("missing.fill"), `expected none with the policy ${policy}, got one`);
  }
  if ((policy === "mean" || policy === "median") && input.kind !== "number") {
    refuse(at("missing.policy"), `expected another policy for a ${input.kind}, got ${policy}`);
  }
  if (fill === undefined) return;
  const wanted = input.kind === "category" ? "string" : input.kind;
  const type: string = typeof fill;
  if (type !== wanted) {
    refuse(at("missing.fill"), `expected a ${wanted}, got ${quoted(`${fill}`)}`);
  }
  if (
    input.kind === "category" && input.unknown !== "other" &&
    !input.categories.includes(String(fill))
  ) refuse(at("missing.fill"), `expected one of the categories, got ${quoted(`${fill}`)}`);
}

/** Checks that no column has two uses, and the condition of the target. */
function checkNames({ inputs, target }: Schema): void {
  const seen = new Set<string>();
  for (const { name } of inputs) {
    if (seen.has(name)) refuse("inputs", `expected each name once, got ${quoted(name)} twice`);
    seen.add(name);
  }
  const outputs = target.task === "regression"
    ? target.outputs.map(({ name }) => name)
    : target.task === "multi-label"
    ? target.labels
    : [target.from === undefined ? target.name : parseCondition(target.from).column];
  const both = outputs.find((name) => seen.has(name));
  if (both !== undefined) {
    refuse("target", `expected a column that is no input, got ${quoted(both)}`);
  }
  if (new Set(outputs).size < outputs.length) {
    refuse("target", "expected the name of each output once");
  }
  const isDerived = target.task === "classification" && target.from !== undefined;
  if (isDerived && target.classes.join() !== "false,true") {
    refuse("target.classes", "expected the classes false, true with a condition");
  }
}
