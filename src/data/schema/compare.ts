/**
 * Comparison of schemas.
 *
 * @module
 */

import { canonicalJson } from "./digest.ts";
import { compareGenerators } from "./generator.ts";
import { shownName, shownNames } from "./names.ts";
import { normalSchema } from "./normal.ts";
import type { InputSchema, Schema, TargetSchema } from "./schema.ts";

/**
 * Compares two schemas. Returns the first difference in words, such as
 * `expected the column age, got sex`, or `undefined` if they are the same.
 *
 * @example Another unit
 * ```ts
 * import { compareSchemas, type Schema } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const inUnit = (unit: string): Schema => ({
 *   format: "fedlab.schema/1",
 *   inputs: [{ name: "pressure", kind: "number", unit }],
 *   target: { name: "ill", task: "classification", classes: ["no", "yes"] },
 * });
 * assertEquals(
 *   compareSchemas(inUnit("mmHg"), inUnit("kPa")),
 *   "expected the unit mmHg of pressure, got kPa",
 * );
 * ```
 */
export function compareSchemas(expected: Schema, got: Schema): string | undefined {
  const [a, b] = [normalSchema(expected), normalSchema(got)];
  const count = Math.max(a.inputs.length, b.inputs.length);
  for (let i = 0; i < count; i++) {
    const [one, other] = [a.inputs[i], b.inputs[i]];
    if (!one) return `expected ${a.inputs.length} inputs, got ${shownName(other?.name ?? "")} too`;
    if (one.name !== other?.name) {
      return `expected the column ${shownName(one.name)}, got ${
        other ? shownName(other.name) : "none"
      }`;
    }
    const difference = compareInputs(one, other);
    if (difference !== undefined) return difference;
  }
  return compareTargets(a.target, b.target);
}

/** Words for a value of a field that is no list of names. */
function words(value: unknown): string {
  if (value === undefined) return "none";
  if (Array.isArray(value) && value.every((size) => typeof size === "number")) {
    return value.length > 8 ? "other numbers" : `[${value}]`;
  }
  return shownName(typeof value === "object" ? canonicalJson(value) : `${value}`);
}

/** Compares lists of names. */
export function compareNames(
  what: string,
  expected: readonly string[],
  got: readonly string[],
): string | undefined {
  const place = expected.findIndex((name, i) => got[i] !== name);
  if (place < 0 && got.length === expected.length) return undefined;
  return `expected the ${what} ${shownNames(expected)}; got ${shownNames(got)}`;
}

/** Compares fields in their order, and describes the first that differs. */
function compareFields(
  of: string,
  fields: readonly (readonly [what: string, expected: unknown, got: unknown])[],
): string | undefined {
  for (const [what, expected, got] of fields) {
    if (expected === got) continue;
    if (canonicalJson(expected ?? null) === canonicalJson(got ?? null)) continue;
    return `expected the ${what} ${words(expected)} of ${shownName(of)}, got ${words(got)}`;
  }
  return undefined;
}

function compareInputs(a: InputSchema, b: InputSchema): string | undefined {
  const kinds = compareFields(a.name, [["kind", a.kind, b.kind]]);
  if (kinds !== undefined) return kinds;
  if ("shape" in a && "shape" in b) {
    return compareFields(a.name, [["shape", a.shape, b.shape]]) ??
      compareGenerators(a.name, a.generator, b.generator) ??
      compareNames(`columns of ${shownName(a.name)}`, a.columns ?? [], b.columns ?? []) ??
      compareFields(a.name, [
        ["scale", a.scale ?? 1, b.scale ?? 1],
        ["means", a.standardize?.mean, b.standardize?.mean],
        ["deviations", a.standardize?.deviation, b.standardize?.deviation],
        ["tokenizer", a.tokenizer, b.tokenizer],
      ]) ??
      compareNames(`vocabulary of ${shownName(a.name)}`, a.vocabulary ?? [], b.vocabulary ?? []);
  }
  if ("shape" in a || "shape" in b) return undefined;
  if (a.kind === "category" && b.kind === "category") {
    const names = compareNames(`categories of ${shownName(a.name)}`, a.categories, b.categories) ??
      compareFields(a.name, [["treatment of others", a.unknown ?? "error", b.unknown ?? "error"]]);
    if (names !== undefined) return names;
  }
  if (a.kind === "number" && b.kind === "number") {
    const numbers = compareFields(a.name, [
      ["unit", a.unit, b.unit],
      ["mean", a.standardize?.mean, b.standardize?.mean],
      ["deviation", a.standardize?.deviation, b.standardize?.deviation],
    ]);
    if (numbers !== undefined) return numbers;
  }
  return compareFields(a.name, [
    ["policy for missing values", a.missing?.policy ?? "error", b.missing?.policy ?? "error"],
    ["fill value", a.missing?.fill, b.missing?.fill],
    ["indicator", a.missing?.indicator ?? false, b.missing?.indicator ?? false],
    ["values that are missing ones", a.missing?.values ?? [], b.missing?.values ?? []],
  ]);
}

function compareTargets(a: TargetSchema, b: TargetSchema): string | undefined {
  if (a.task !== b.task) return `expected the task ${a.task}, got ${b.task}`;
  if (a.name !== b.name) {
    return `expected the target ${shownName(a.name)}, got ${shownName(b.name)}`;
  }
  if (a.task === "classification" && b.task === "classification") {
    return compareNames("classes", a.classes, b.classes) ??
      compareFields(a.name, [
        ["steps", a.steps, b.steps],
        ["condition", a.from, b.from],
        ["values that are missing ones", a.missingValues, b.missingValues],
      ]);
  }
  if (a.task === "multi-label" && b.task === "multi-label") {
    return compareNames("labels", a.labels, b.labels) ??
      compareFields(a.name, [
        ["values that are missing ones", a.missingValues, b.missingValues],
      ]);
  }
  if (a.task !== "regression" || b.task !== "regression") return undefined;
  const names = (target: typeof a) => target.outputs.map(({ name }) => name);
  const differing = compareNames("outputs", names(a), names(b));
  if (differing !== undefined) return differing;
  for (const [i, one] of a.outputs.entries()) {
    const other = b.outputs[i];
    const difference = compareFields(one.name, [
      ["unit", one.unit, other?.unit],
      ["mean", one.standardize?.mean, other?.standardize?.mean],
      ["deviation", one.standardize?.deviation, other?.standardize?.deviation],
      ["values that are missing ones", one.missingValues, other?.missingValues],
    ]);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
