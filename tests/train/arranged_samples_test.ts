import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { type Dataset, logisticRegression, NativeSGDHandler } from "../../mod.ts";
import type { InputSchema, Schema } from "../../src/data/schema/schema.ts";
import { tableOf } from "../../src/data/schema/table_of.ts";
import { arrays, NAMED, sourceOf, SWAPPED, UNNAMED } from "../helpers/schemas.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MODEL = logisticRegression({ inputShape: [2], numClasses: 2 });
const OF_THREE = logisticRegression({ inputShape: [3], numClasses: 2 });

const TABLE = tableOf("ward.csv", {
  ill: ["yes", "no", "yes"],
  smoker: ["true", "false", "true"],
  age: [63, 41, 50],
});

Deno.test("SGDHandler arranges the data of a source by the server's schema", async () => {
  for (const [schema, ages] of [[NAMED, [63, 1]], [SWAPPED, [1, 63]]] as const) {
    const handler = new NativeSGDHandler({ data: sourceOf(TABLE) });
    assertThrows(() => handler.numSamples, Error, "setUp()");
    await handler.setUp(MODEL, schema);
    assertEquals([handler.numSamples, handler.schema], [3, schema]);
    // One step from 0: every feature's gradient of class 1 is its mean of (p - y) x.
    handler.parameters = new Float32Array(6);
    const { gradient } = await handler.gradient({
      ...{ round: 1, rank: 1, seed: 1, epochs: 1, batchSize: 0, learningRate: 1 },
      ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
    });
    const means = schema === NAMED
      ? [(-63 + 41 - 50) / 6, (-1 - 1) / 6]
      : [(-1 - 1) / 6, (-63 + 41 - 50) / 6];
    assertEquals([gradient[1], gradient[3]].map((x = NaN) => x.toFixed(4)), [
      ...means.map((x) => x.toFixed(4)),
    ], `${ages}`);
  }
});

Deno.test("SGDHandler says what a source could not arrange, and keeps no model", async () => {
  const handler = new NativeSGDHandler({
    data: sourceOf(tableOf("ward.csv", { smoker: [1, 0], ill: ["yes", "no"] })),
  });
  await assertRejects(() => handler.setUp(MODEL, NAMED), Error, "ward.csv");
  assertThrows(() => handler.parameters, Error, "setUp()");
  assertThrows(
    () => new NativeSGDHandler({ data: sourceOf(TABLE), rows: Uint32Array.of(0) }),
    TypeError,
    "expected no rows of ward.csv",
  );
});

Deno.test("SGDHandler takes a data set only of the server's schema", async () => {
  const data = (await sourceOf(TABLE).arrange(NAMED)).train;
  const handler = new NativeSGDHandler({ data });
  await handler.setUp(MODEL, structuredClone(NAMED));
  assertEquals(handler.schema, NAMED);
  await assertRejects(
    () => handler.setUp(MODEL, SWAPPED),
    RangeError,
    "Cannot use the data: expected the column smoker, got age",
  );
  const bare = new NativeSGDHandler({ data: arrays([2], [0, 1]) });
  await assertRejects(
    () => bare.setUp(MODEL, NAMED),
    RangeError,
    "Cannot use the data: expected data with the column age, got data without a schema",
  );
  const other = (await sourceOf(TABLE).arrange(SWAPPED)).train;
  await assertRejects(
    () => new NativeSGDHandler({ data, testData: other }).setUp(MODEL, NAMED),
    RangeError,
    "expected the column age, got smoker",
  );
});

Deno.test("SGDHandler without a server's schema has that of its data", async () => {
  const data = (await sourceOf(TABLE).arrange(NAMED)).train;
  const handler = new NativeSGDHandler({ data });
  await handler.setUp(MODEL);
  assertEquals(handler.schema, NAMED);
  const bare = new NativeSGDHandler({ data: arrays([2], [0, 1]) });
  await bare.setUp(MODEL);
  assertEquals(bare.schema, undefined);
});

Deno.test("SGDHandler useData() refuses data of another schema", async () => {
  const data = (await sourceOf(TABLE).arrange(NAMED)).train;
  const handler = new NativeSGDHandler({ data });
  await handler.setUp(MODEL, NAMED);
  handler.useData(data.select([0, 1]));
  assertEquals(handler.numSamples, 2);
  const other = (await sourceOf(TABLE).arrange(SWAPPED)).train;
  assertThrows(() => handler.useData(other), RangeError, "expected the column age, got smoker");
  assertEquals(handler.numSamples, 2);
});

/** Error of data without names for a schema without names; `undefined` if they agree. */
async function errorOf(data: Dataset, schema: Schema): Promise<string | undefined> {
  try {
    await new NativeSGDHandler({ data }).setUp(OF_THREE, schema);
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("data without names agree with a schema without names by shape, task, classes and preprocessing", async () => {
  const input = { name: "features", kind: "array", shape: [3] } as const;
  const scaled: Schema = { ...UNNAMED, inputs: [{ ...input, scale: 1 / 255 }] };
  const target = { name: "label", task: "classification" } as const;
  const words: Schema = { ...UNNAMED, target: { ...target, classes: ["cat", "dog"] } };
  const first: Schema = { ...UNNAMED, target: { ...target, classes: ["0"] } };
  const measures: Schema = {
    ...UNNAMED,
    target: { name: "targets", task: "regression", outputs: [{ name: "x" }, { name: "y" }] },
  };
  // Columns of a table without header.
  const columns = (first: InputSchema): Schema => ({
    ...UNNAMED,
    inputs: [
      first,
      { name: "column 2", kind: "number" },
      { name: "column 3", kind: "number" },
    ],
  });
  const standardized: InputSchema = {
    name: "column 1",
    kind: "number",
    standardize: { mean: 1, deviation: 2 },
  };
  const bare = arrays([3], [0, 1]);
  assertEquals(await errorOf(bare, UNNAMED), undefined);
  assertEquals(await errorOf(bare, columns({ name: "column 1", kind: "number" })), undefined);
  // A client may lack the last classes.
  assertEquals(await errorOf(arrays([3], [0, 0]), UNNAMED), undefined);
  assertEquals(await errorOf(arrays([3], [0, 0], first), UNNAMED), undefined);
  assertEquals(await errorOf(arrays([3], [0, 1], scaled), scaled), undefined);
  // Numbers of classes are no names: they agree with the order of the classes.
  assertEquals(await errorOf(bare, words), undefined);
  assertEquals(await errorOf(arrays([3], [0, 1], UNNAMED), words), undefined);
  const where = "Cannot use the data: expected";
  const stated = (what: string) =>
    `${where} data that state their ${what} in a schema, got data without one`;
  const cases: [Dataset, Schema, string][] = [
    [arrays([3, 1], [0, 1]), UNNAMED, `${where} the shape [3], got [3,1]`],
    [arrays([3], [0, 2]), UNNAMED, `${where} at most 2 classes, got 3`],
    [bare, scaled, stated("preprocessing")],
    [
      bare,
      { ...columns({ name: "column 1", kind: "number" }), target: words.target },
      stated("classes"),
    ],
    [bare, columns(standardized), stated("preprocessing")],
    [bare, measures, `${where} the task regression, got classification`],
    [arrays([3], [0, 1], words), UNNAMED, `${where} the classes 0, 1; got cat, dog`],
    [arrays([3], [0, 1], scaled), UNNAMED, `${where} the scale 1 of features, got ${1 / 255}`],
    [arrays([3], [0, 1], UNNAMED), scaled, `${where} the scale ${1 / 255} of features, got 1`],
  ];
  for (const [data, schema, message] of cases) assertEquals(await errorOf(data, schema), message);
});
