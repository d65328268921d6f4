import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { createHash } from "node:crypto";
import { compareSchemas, parseSchema, type Schema, schemaDigest } from "../../../src/data/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** A schema with every kind of input that a table has. */
const SCHEMA = {
  format: "fedlab.schema/1",
  inputs: [
    {
      name: "age",
      kind: "number",
      unit: "years",
      missing: { policy: "mean", fill: 54.5, indicator: true },
      standardize: { mean: 54.5, deviation: 9 },
    },
    {
      name: "sex",
      kind: "category",
      categories: ["f", "m"],
      unknown: "other",
      missing: { policy: "most-frequent", fill: "m" },
    },
    { name: "smokes", kind: "boolean", missing: { policy: "constant", fill: false } },
  ],
  target: { name: "ill", task: "classification", classes: ["false", "true"], from: "stage > 0" },
} as const satisfies Schema;

/** The schema with a value at a path of keys; `undefined` removes the key. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone(SCHEMA) as unknown as Record<string, never>;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const place = keys.reduce((object, key) => object[key] as never, copy);
  if (value === undefined) delete place[last];
  else place[last] = value as never;
  return copy;
}

Deno.test("parseSchema() reads what it wrote, also through JSON", () => {
  assertEquals(parseSchema(JSON.parse(JSON.stringify(SCHEMA))), SCHEMA as Schema);
});

Deno.test("parseSchema() reads the generator of an array, and refuses one that is malformed", async () => {
  const of = (generator: unknown) => ({
    format: "fedlab.schema/1",
    inputs: [{ name: "features", kind: "array", shape: [4], generator }],
    target: { name: "label", task: "classification", classes: ["0", "1"] },
  });
  const drawn = (seed: number) => parseSchema(of({ name: "waves", settings: { seed } }));
  assertEquals(drawn(3), of({ name: "waves", settings: { seed: 3 } }) as Schema);
  assertNotEquals(await schemaDigest(drawn(3)), await schemaDigest(drawn(4)));
  assertEquals(
    compareSchemas(drawn(3), parseSchema(of({ name: "noise", settings: { seed: 3 } }))),
    "expected the generator waves of features, got noise",
  );
  const settings = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`s${i}`, i]));
  const cases: [generator: unknown, message: string][] = [
    [{ name: "waves" }, "generator.settings: expected"],
    [{ name: "Two\nlines", settings: {} }, "generator.name: expected"],
    [{ name: "waves", settings: { seed: "3" } }, "generator.settings.seed: expected number"],
    [{ name: "waves", settings: { seed: Infinity } }, "generator.settings.seed: expected"],
    [{ name: "waves", settings }, "generator.settings: expected at most 16 settings"],
    [{ name: "waves", settings: {}, rows: 5 }, "generator.rows: expected no such field"],
  ];
  for (const [generator, message] of cases) {
    const error = assertThrows(() => parseSchema(of(generator)), TypeError, message);
    assert(!error.message.includes("\n"), error.message);
  }
});

Deno.test("parseSchema() names the field that is wrong, in one line", () => {
  const cases: [path: string, value: unknown, message: string][] = [
    ["format", "fedlab.schema/2", 'field format: expected "fedlab.schema/1"'],
    ["inputs", [], "field inputs: expected >=1, got 0"],
    ["inputs.0.name", undefined, 'field inputs.0.name: expected "name", got none'],
    ["inputs.0.name", "a\nb", "field inputs.0.name: expected a name without control characters"],
    ["inputs.0.name", "x".repeat(1025), "field inputs.0.name: expected <=1024, got 1025"],
    ["inputs.0.kind", "date", "field inputs.0.kind"],
    ["inputs.0.size", 3, "field inputs.0.size: expected no such field"],
    ["inputs.0.standardize.deviation", -1, "field inputs.0.standardize.deviation: expected >=0"],
    ["inputs.0.standardize.mean", NaN, "field inputs.0.standardize.mean"],
    ["inputs.0.missing.policy", "guess", "field inputs.0.missing.policy"],
    ["inputs.0.missing", { policy: "constant" }, "inputs.0.missing.fill (age): expected a value"],
    ["inputs.0.missing.fill", "old", 'inputs.0.missing.fill (age): expected a number, got "old"'],
    ["inputs.0.missing.policy", "drop", "inputs.0.missing.fill (age): expected none"],
    ["inputs.1.missing.policy", "median", "inputs.1.missing.policy (sex): expected another policy"],
    ["inputs.1.categories", ["f", "f"], "field inputs.1.categories: expected each name once"],
    ["inputs.1.unknown", undefined, ""],
    ["inputs.1", SCHEMA.inputs[0], 'field inputs: expected each name once, got "age" twice'],
    ["target.from", "age > 0", 'field target: expected a column that is no input, got "age"'],
    ["target.classes", ["a", "b"], "target.classes: expected the classes false, true"],
    ["target.from", "stage", 'Cannot read the condition "stage"'],
    ["target.task", "ranking", "field target.task"],
    [
      "inputs.2",
      { name: "i", kind: "image", shape: [2, 2] },
      "expected height, width and channels",
    ],
    [
      "inputs.2",
      { name: "a", kind: "array", shape: [3], standardize: { mean: [1], deviation: [1] } },
      "inputs.2.standardize (a): expected lists of 3 numbers, got 1",
    ],
  ];
  for (const [path, value, message] of cases) {
    if (message === "") {
      parseSchema(changed(path, value));
      continue;
    }
    const error = assertThrows(() => parseSchema(changed(path, value)), Error, message);
    assert(!error.message.includes("\n") && error.message.length < 300, error.message);
  }
  for (const value of [undefined, null, 3, [], "x"]) {
    assertThrows(() => parseSchema(value), TypeError);
  }
});

Deno.test("parseSchema() refuses more inputs and categories than it bears, before it reads them", () => {
  const inputs = Array.from({ length: 100_001 }, (_, i) => ({ name: `c${i}`, kind: "number" }));
  assertThrows(
    () => parseSchema(changed("inputs", inputs)),
    TypeError,
    "at most 100000, got 100001",
  );
  const categories = Array.from({ length: 500_001 }, (_, i) => `${i}`);
  const two = ["a", "b"].map((name) => ({ name, kind: "category", categories }));
  assertThrows(
    () => parseSchema(changed("inputs", two)),
    TypeError,
    "at most 1000000 categories in all, got 1000002",
  );
});

Deno.test("schemaDigest() is SHA-256 of the JSON with sorted keys, whatever the order of the fields", async () => {
  const sorted =
    '{"format":"fedlab.schema/1","inputs":[{"kind":"number","name":"é","unit":"1e-7 m"}],' +
    '"target":{"classes":["no","yes"],"name":"y","task":"classification"}}';
  const expected = createHash("sha256").update(sorted).digest("hex");
  const target = { task: "classification", name: "y", classes: ["no", "yes"] } as const;
  const schema: Schema = {
    target,
    format: "fedlab.schema/1",
    inputs: [{ unit: "1e-7 m", kind: "number", name: "é" }],
  };
  assertEquals(await schemaDigest(schema), expected);
  assertEquals(await schemaDigest(parseSchema(JSON.parse(sorted))), expected);
});

Deno.test("fields that state a default do not change the digest, any other change does and is named", async () => {
  const digest = await schemaDigest(SCHEMA);
  const same = [
    changed("inputs.1.unknown", "other"),
    changed("inputs.2.missing.indicator", false),
  ];
  for (const one of same) {
    assertEquals(await schemaDigest(parseSchema(one)), digest);
    assertEquals(compareSchemas(SCHEMA, parseSchema(one)), undefined);
  }
  const different: [path: string, value: unknown, words: string][] = [
    ["inputs.0.name", "Age", "expected the column age, got Age"],
    ["inputs.0.unit", "months", "expected the unit years of age, got months"],
    ["inputs.0.unit", undefined, "expected the unit years of age, got none"],
    ["inputs.0.standardize.mean", 54.6, "expected the mean 54.5 of age, got 54.6"],
    ["inputs.0.standardize", undefined, "expected the mean 54.5 of age, got none"],
    ["inputs.0.missing.fill", 50, "expected the fill value 54.5 of age, got 50"],
    ["inputs.0.missing.indicator", undefined, "expected the indicator true of age, got false"],
    [
      "inputs.0.missing.policy",
      "median",
      "expected the policy for missing values mean of age, got median",
    ],
    ["inputs.1.categories", ["m", "f"], "expected the categories of sex f, m; got m, f"],
    [
      "inputs.1.unknown",
      "error",
      "expected the treatment of others other of sex, got error",
    ],
    [
      "inputs.2",
      { name: "smokes", kind: "number" },
      "expected the kind boolean of smokes, got number",
    ],
    ["inputs", SCHEMA.inputs.slice(0, 2), "expected the column smokes, got none"],
    ["target.name", "sick", "expected the target ill, got sick"],
    ["target.from", "stage > 1", "expected the condition stage > 0 of ill, got stage > 1"],
    [
      "target",
      { name: "ill", task: "classification", classes: ["no", "yes"] },
      "expected the classes false, true; got no, yes",
    ],
    [
      "target",
      { name: "ill", task: "regression", outputs: [{ name: "ill" }] },
      "expected the task classification, got regression",
    ],
  ];
  for (const [path, value, words] of different) {
    const other = parseSchema(changed(path, value));
    assertEquals(compareSchemas(SCHEMA, other), words);
    assertNotEquals(await schemaDigest(other), digest, path);
  }
});
