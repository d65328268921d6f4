import {
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  arrangeInputs,
  arrangeTable,
  arraySource,
  compareSchemas,
  Dataset,
  digits,
  holdOut,
  openData,
  parseSchema,
  type Schema,
  schemaOf,
  shareOf,
  tableOf,
  tableSource,
} from "../../../src/data/mod.ts";
import { joinTables } from "../../../src/data/formats/join_tables.ts";
import type { RawTable } from "../../../src/data/formats/raw_table.ts";
import { arrayMoments, arraySchema } from "../../../src/data/schema/array_schema.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const images = (features: number[], labels: number[], numClasses: number) =>
  new Dataset(Float32Array.from(features), Int32Array.from(labels), [1, 2, 2], numClasses);

Deno.test("arrayMoments() finds mean and deviation of 1 to n, and of large values close together", () => {
  const n = 101;
  const features = Array.from({ length: n }, (_, i) => [i + 1, 2 ** 23 + (i % 2), -7]).flat();
  const data = new Dataset(Float32Array.from(features), new Int32Array(n), [3], 1);
  const { mean, deviation } = arrayMoments(data);
  // Of 1 to n: mean (n + 1) / 2, variance (n^2 - 1) / 12. Of a share p of ones: variance p (1 - p).
  assertAlmostEquals(mean[0] ?? 0, (n + 1) / 2, 1e-12);
  assertAlmostEquals(deviation[0] ?? 0, Math.sqrt((n * n - 1) / 12), 1e-12);
  const share = 50 / 101;
  assertAlmostEquals(mean[1] ?? 0, 2 ** 23 + share, 1e-8);
  assertAlmostEquals(deviation[1] ?? 0, Math.sqrt(share * (1 - share)), 1e-8);
  assertEquals([mean[2], deviation[2]], [-7, 0]);
});

Deno.test("images are standardized by channel, others by the schema that came of them; a constant is 0", async () => {
  // Two images of one row and two pixels: channel 0 holds 1 to 4, channel 1 is constant.
  const train = images([1, 7, 2, 7, 3, 7, 4, 7], [0, 1], 2);
  const own = await arraySource({ name: "a", train, standardize: true }).arrange(undefined);
  const [input] = own.train.schema?.inputs ?? [];
  const deviation = Math.sqrt(15 / 12);
  assertEquals(input, {
    name: "image",
    kind: "image",
    shape: [1, 2, 2],
    standardize: { mean: [2.5, 7], deviation: [deviation, 0] },
  });
  const other = arraySource({ name: "b", train: images([2.5, 9, 5, 7], [1], 2) });
  const { train: arranged } = await other.arrange(own.train.schema);
  assertEquals([...arranged.features], [0, 0, Math.fround(2.5 / deviation), 0]);
  assertEquals([...train.features], [1, 7, 2, 7, 3, 7, 4, 7]);
  for (const value of [NaN, Infinity]) {
    const harmed = arraySource({
      name: "c",
      train: images([1, 2, value, 4], [0], 1),
      standardize: true,
    });
    await assertRejects(() => harmed.arrange(undefined), RangeError, `got ${value} in row 0`);
    await assertRejects(
      () => harmed.arrange(own.train.schema),
      RangeError,
      `got ${value} in row 0`,
    );
  }
});

Deno.test("data without columns agree on shape, classes and scale, or the first difference is named", async () => {
  const data = await digits();
  const schema = data.schema;
  assertEquals(schema?.inputs, [{ name: "image", kind: "image", shape: [8, 8, 1], scale: 1 / 16 }]);
  assertEquals(schema?.target, {
    name: "label",
    task: "classification",
    classes: [..."0123456789"],
  });
  const source = arraySource({ name: "mine", train: data });
  const named = arraySchema({ shape: [8, 8, 1], scale: 1 / 16, classes: [..."abcdefghij"] });
  assertEquals((await source.arrange(named)).train.labels, data.labels);
  const cases: [Schema, string][] = [
    [
      arraySchema({ shape: [64], scale: 1 / 16, numClasses: 10 }),
      "expected the kind array of features, got image",
    ],
    [
      arraySchema({ shape: [4, 16, 1], scale: 1 / 16, numClasses: 10 }),
      "expected the shape [4,16,1] of image, got [8,8,1]",
    ],
    [
      arraySchema({ shape: [8, 8, 1], numClasses: 10 }),
      "expected the scale 1 of image, got 0.0625",
    ],
    [
      arraySchema({ shape: [8, 8, 1], scale: 1 / 16, numClasses: 9 }),
      "expected the classes 0, 1, 2, 3, 4, 5, 6, 7, 8; got 9",
    ],
    [
      schemaOf([tableOf("t", { age: [1], y: [0] })]),
      "expected the column age, got data without columns",
    ],
  ];
  for (const [schema, message] of cases) {
    await assertRejects(() => source.arrange(schema), RangeError, `Cannot use mine: ${message}`);
  }
});

Deno.test("classes with names are matched by name", async () => {
  const train = Dataset.of({
    ...{ features: Float32Array.of(1, 2), targets: Int32Array.of(0, 1), shape: [1], numClasses: 2 },
    task: "classification",
    schema: arraySchema({ shape: [1], classes: ["dog", "cat"] }),
  });
  const source = arraySource({ name: "mine", train });
  const wanted = arraySchema({ shape: [1], classes: ["cat", "cow", "dog"] });
  assertEquals([...(await source.arrange(wanted)).train.labels], [2, 0]);
  await assertRejects(
    () => source.arrange(arraySchema({ shape: [1], classes: ["cat", "cow"] })),
    RangeError,
    "expected the classes cat, cow; got dog",
  );
});

Deno.test("a table without column names of its own fits an array by place", async () => {
  const schema = arraySchema({ shape: [1, 2, 1], scale: 0.5, classes: ["a", "b"] });
  const source = tableSource({ train: tableOf("t", [[2, 4], [6, 8], ["b", "a"]]) });
  const { train } = await source.arrange(schema);
  assertEquals([[...train.features], [...train.labels]], [[1, 3, 2, 4], [1, 0]]);
  const named = tableOf("t", { kind: ["b", "a"], pixel0: [2, 4], w: [1, 3], pixel1: [6, 8] });
  await assertRejects(
    () => tableSource({ train: named }).arrange(schema),
    RangeError,
    'Cannot use t: expected a target column named "label", got none, name it (option target, --target)',
  );
  const options = { target: "kind", weightColumn: "w" };
  const { train: told } = await tableSource({ train: named }, options).arrange(schema);
  assertEquals([[...told.features], [...told.labels]], [[1, 3, 2, 4], [1, 0]]);
  assertEquals([...told.weights ?? []], [1, 3]);
  const made = schemaOf([named], { ...options, target: "kind == 'a'", shape: [1, 2, 1], scale: 2 });
  const { dataset } = arrangeTable(named, made, options);
  assertEquals([[...dataset.features], [...dataset.labels]], [[4, 12, 8, 16], [0, 1]]);
  assertThrows(
    () => arrangeInputs(tableOf("t", [[2], [6]]), made),
    RangeError,
    "Cannot use t: expected the column pixel0, got columns without names",
  );
  const bare = tableOf("t", [[2], [6]]);
  assertEquals([...arrangeInputs(bare, schema).features], [1, 3]);
  assertEquals([...arrangeInputs(named, made, options).features], [4, 12, 8, 16]);
  const narrow = tableSource({ train: tableOf("t", [[2, 4], ["b", "a"]]) });
  await assertRejects(
    () => narrow.arrange(schema),
    RangeError,
    "Cannot use t: expected 2 columns of features for the shape [1,2,1], got 1",
  );
});

Deno.test("rows that a table holds out are those that a data set holds out, and no figure is over them", async () => {
  const values = Array.from({ length: 40 }, (_, i) => i);
  const table = tableOf("t", { a: values, y: values.map((i) => i % 2) });
  const options = { standardize: true };
  const source = await shareOf(tableSource({ train: table }, options), { holdOut: 0.25, seed: 5 });
  const { train, test } = await source.arrange(undefined);
  const held = holdOut(values, { share: 0.25, seed: 5, index: 0 });
  assertEquals([train.length, test?.length], [30, 10]);
  const mean = held.train.reduce((sum, row) => sum + row, 0) / 30;
  const [input] = train.schema?.inputs ?? [];
  assertAlmostEquals(input?.kind === "number" ? input.standardize?.mean ?? 0 : NaN, mean, 1e-12);
  const schema = schemaOf([table]);
  assertEquals([...(await source.arrange(schema)).test?.features ?? []], [...held.test]);
});

Deno.test("declarations that do not fit a table are refused before it is arranged", () => {
  const table = tableOf("t", { a: [1, 2], y: ["no", "yes"] });
  const cases: [object, string][] = [
    [{ target: "z" }, 'expected a target column named "z", got a, y'],
    [{ idColumn: "id" }, 'expected an id column named "id", got a, y'],
    [{ weightColumn: 7 }, "expected a weight column from 0 to 1, got 7"],
    [{ units: { b: "kg" } }, 'expected a column with a unit named "b", got a, y'],
    [{ classes: ["no"] }, "expected the classes no; got yes"],
  ];
  for (const [options, message] of cases) {
    assertThrows(
      () => tableSource({ train: table }, options),
      RangeError,
      `Cannot use t: ${message}`,
    );
  }
});

Deno.test("openData() opens the digits as loadDataset() loads them", async () => {
  const { train, test } = await (await openData("digits")).arrange(undefined);
  assertEquals([train.length, test?.length], [1500, 297]);
});

Deno.test("a schema that differs from what the owner of a table has declared is refused", async () => {
  const table = tableOf("t", { a: [1, 2], b: [3, 4], y: ["no", "yes"], stage: [0, 2] });
  const schema = schemaOf([table], { target: "y", inputs: ["a", "b"] });
  const staged = schemaOf([table], { target: "stage > 0", inputs: ["a"] });
  const array = schemaOf([table], {
    ...{ target: "y", inputs: ["a", "b"], shape: [1, 2], scale: 0.5 },
  });
  const cases: [Schema, object, string][] = [
    [schema, { target: "stage" }, "expected the target y, got stage"],
    [schema, { target: 3 }, "expected the target y, got 3"],
    [schema, { target: "stage > 0" }, "expected the target y, got stage > 0"],
    [staged, { target: "stage" }, "expected the target stage > 0, got stage"],
    [staged, { target: "stage > 1" }, "expected the target stage > 0, got stage > 1"],
    [
      schema,
      { target: "y", classes: ["no", "yes", "maybe"] },
      "expected the classes no, yes; got maybe",
    ],
    [array, { shape: [2, 1] }, "expected the shape [1,2] of features, got [2,1] (--shape)"],
    [array, { scale: 1 }, "expected the scale 0.5 of features, got 1 (--scale)"],
    [array, { target: "stage > 1" }, "expected the target y, got stage > 1"],
    [schema, { scale: 0.5 }, "expected columns as inputs, got a shape or a scale"],
    [schema, { inputs: ["a"] }, "expected the input b too, got a (--feature-columns)"],
  ];
  for (const [expected, options, message] of cases) {
    await assertRejects(
      () => tableSource({ train: table }, options).arrange(expected),
      RangeError,
      `Cannot use t: ${message}`,
    );
  }
  const agreeing: [Schema, object][] = [
    [schema, { target: 2, classes: ["yes", "no"], inputs: ["b", "a", "stage"] }],
    [staged, { target: "stage>0.0", inputs: ["a"] }],
  ];
  for (const [expected, options] of agreeing) {
    await tableSource({ train: table }, options).arrange(expected);
  }
});

Deno.test("columns of an array are found by name where its schema has names", async () => {
  const options = { target: "y", shape: [3], scale: 0.5 };
  const schema = schemaOf([tableOf("a", { p0: [2], p1: [4], p2: [6], y: [0] })], options);
  const source = tableSource({
    train: tableOf("b", { p2: [6], y: [0], note: ["x"], p0: [2], p1: [4] }),
  }, { target: "y" });
  const { train, notes } = await source.arrange(schema);
  assertEquals([...train.features], [1, 2, 3]);
  assertEquals(notes, ["b: ignored the columns note"]);
  const other = tableSource({ train: tableOf("c", { p0: [2], p1: [4], q2: [6], y: [0] }) });
  await assertRejects(
    () => other.arrange(schema),
    RangeError,
    "Cannot use c: expected the column p2, got q2",
  );
});

Deno.test("classes that are numbers are found by name where the schema has these names", async () => {
  const source = arraySource({ name: "a", train: images([1, 2, 3, 4, 5, 6, 7, 8], [0, 1], 2) });
  const wanted = arraySchema({ shape: [1, 2, 2], classes: ["1", "0"] });
  assertEquals([...(await source.arrange(wanted)).train.labels], [1, 0]);
});

Deno.test("a value that stands for a missing one is missing at all sites", async () => {
  const options = {
    missing: { "": { policy: "mean" } },
    missingValuesOf: { chol: ["0"] },
  } as const;
  const own = { chol: [200, null, 100], sex: ["f", "m", "f"], y: [0, 1, 0] };
  const schema = schemaOf([tableOf("a", own)], {
    ...options,
    missingValues: ["?", "unknown"],
  });
  assertEquals(schema.inputs.map((input) => "missing" in input && input.missing), [
    { policy: "mean", fill: 150, values: ["0", "unknown"] },
    { policy: "most-frequent", fill: "f", values: ["unknown"] },
  ]);
  const ward = tableOf("b", { y: [0, 1], sex: ["unknown", "m"], chol: [0, 0.5] });
  const { train, notes } = await tableSource({ train: ward }).arrange(schema);
  assertEquals([...train.features], [150, 1, 0, 0.5, 0, 1]);
  assertEquals(notes, ["b: filled in missing values: 1 of chol, 1 of sex"]);
  assertEquals(ward.columns[2]?.numbers?.[0], 0);
  const strict = schemaOf([tableOf("a", { chol: [1], y: [0] })], {
    missingValuesOf: options.missingValuesOf,
  });
  await assertRejects(
    () => tableSource({ train: ward }, { exclude: ["sex"] }).arrange(strict),
    SyntaxError,
    "column chol: expected a number, got a missing value",
  );
});

Deno.test("a value that stands for a missing target is one at all sites", async () => {
  const options = { missingValuesOf: { stage: ["-9"] }, missingTarget: "drop" } as const;
  const ward = tableOf("b", { a: [1, 2, 3], stage: [-9, 1.5, -1] });
  const own = tableOf("a", { a: [1, 2], stage: [1, -2.5] });
  for (const [target, targets] of [["stage > -10", [1, 1]], ["stage", [1.5, -1]]] as const) {
    const schema = schemaOf([own], { ...options, target });
    assertEquals(parseSchema(JSON.parse(JSON.stringify(schema))), schema);
    const { train } = await tableSource({ train: ward }, { missingTarget: "drop" }).arrange(schema);
    assertEquals([[...train.features], [...train.targets]], [[2, 3], targets]);
    await assertRejects(
      () => tableSource({ train: ward }).arrange(schema),
      SyntaxError,
      "column stage: expected a",
    );
    const unmarked = schemaOf([own], { target });
    assertMatch(compareSchemas(schema, unmarked) ?? "", /values that are missing ones/);
  }
});

Deno.test("arrays of measures and of labels are arranged by a schema", async () => {
  const features = Float32Array.of(1, 2, 3, 4);
  const measures = Dataset.of({
    ...{ features, shape: [2], task: "regression", outputs: 1 },
    targets: Float32Array.of(10, 30),
  });
  const source = arraySource({ name: "arrays", train: measures });
  const raw = await source.arrange(undefined);
  assertEquals([...raw.train.targets], [10, 30]);
  const schema = parseSchema({
    ...raw.train.schema,
    target: {
      name: "y",
      task: "regression",
      outputs: [{ name: "price", standardize: { mean: 20, deviation: 10 } }],
    },
  });
  const { train } = await source.arrange(schema);
  assertEquals([...train.targets], [-1, 1]);
  // What is standardized by one schema does not go by another.
  const again = arraySource({ name: "arrays", train });
  assertEquals([...(await again.arrange(schema)).train.targets], [-1, 1]);
  const other = { ...schema.target, outputs: [{ name: "price" }] };
  await assertRejects(
    () => again.arrange(parseSchema({ ...schema, target: other })),
    RangeError,
    "Cannot use arrays: expected measures standardized as the schema says, got others",
  );
  // A declared unit must be that of the schema.
  const inUnit = (unit?: string) =>
    parseSchema({
      ...raw.train.schema,
      target: { name: "y", task: "regression", outputs: [{ name: "0", ...(unit && { unit }) }] },
    });
  const declared = Dataset.of({
    ...{ features, targets: measures.targets, shape: [2], task: "regression", outputs: 1 },
    schema: inUnit("EUR"),
  });
  const owner = arraySource({ name: "arrays", train: declared });
  assertEquals([...(await owner.arrange(inUnit("EUR"))).train.targets], [10, 30]);
  for (const [unit, where] of [["USD", "in USD"], [undefined, "without a unit"]] as const) {
    await assertRejects(
      () => owner.arrange(inUnit(unit)),
      RangeError,
      `Cannot use arrays: expected the measure 0 ${where}, got EUR`,
    );
  }
  const labels = Dataset.of({
    ...{ features, shape: [2], task: "multi-label", outputs: 2 },
    targets: Float32Array.of(0, 1, 1, 0),
  });
  await assertRejects(
    () => arraySource({ name: "arrays", train: labels }).arrange(schema),
    RangeError,
    "Cannot use arrays: expected the task regression, got multi-label",
  );
});

Deno.test("notes on the rows of several files name all of them", async () => {
  const files = ["a.csv", "b.csv"].map((name, i) =>
    tableOf(name, { x: [i, i + 2, null], y: [0, 1, 1] })
  );
  const options = { missing: { x: { policy: "constant", fill: 0 } } } as const;
  const notesOf = async (tables: RawTable[]) =>
    (await tableSource({ train: joinTables(tables) }, options).arrange(undefined)).notes;
  assertEquals(await notesOf(files), ["a.csv, b.csv: filled in missing values: 2 of x"]);
  assertEquals(await notesOf(files.slice(1)), ["b.csv: filled in missing values: 1 of x"]);
});
