import { assert, assertAlmostEquals, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  Dataset,
  digits,
  initialParameters,
  logisticRegression,
  mlp,
  type ModelDescription,
  writeSafetensors,
} from "../../mod.ts";
import { type CellValue, type Schema, tableOf } from "../../src/data/mod.ts";
import { Predictor } from "../../src/predict/mod.ts";
import { writeModel } from "../../src/train/mod.ts";
import { inFolder } from "../helpers/command.ts";
import {
  WARD,
  WARD_WEIGHTS,
  wardModel,
  wardProbabilities,
  withWeights,
} from "../helpers/trained.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const PATIENTS: Record<string, CellValue[]> = {
  sex: ["m", "f", "f", "m"],
  room: [1, 2, 3, 4],
  chol: [233, null, 180, 250],
  age: [63, 41, null, 57],
};

/** What the model says of {@linkcode PATIENTS}; it has no answer for the third. */
const ANSWERS = [
  wardProbabilities(63, 233, "m"),
  wardProbabilities(41, 200, "f"),
  undefined,
  wardProbabilities(57, 250, "m"),
];

async function checkAnswers(predictor: Predictor, table: Record<string, CellValue[]>) {
  const predictions = await predictor.predict(tableOf("ward.csv", table), { idColumn: "room" });
  assertEquals([predictions.length, predictions.numMissing], [4, 1]);
  [...predictions].forEach((prediction, row) => {
    const [no = NaN, yes = NaN] = ANSWERS[row] ?? [];
    if (ANSWERS[row] === undefined) return assertEquals(prediction, undefined);
    assertEquals(prediction?.class, yes > no ? "yes" : "no");
    assertEquals(prediction?.id, `${row + 1}`);
    assertAlmostEquals(prediction?.probabilities?.yes ?? NaN, yes, 1e-6);
    assertAlmostEquals(prediction?.probabilities?.no ?? NaN, no, 1e-6);
  });
}

Deno.test("Predictor names classes and probabilities, columns in any order, without a target", async () => {
  for (const engine of ["native", "tfjs"] as const) {
    await using predictor = await Predictor.of(await wardModel(), { engine });
    assertEquals(predictor.names, ["no", "yes"]);
    await checkAnswers(predictor, PATIENTS);
    const { age = [], chol = [], sex = [], room = [] } = PATIENTS;
    await checkAnswers(predictor, { age, chol, room, ill: ["?", "?", "?", "?"], sex });
  }
});

Deno.test("Predictor refuses another unit, in a header, a row's key or an option", async () => {
  const { inputs, ...rest } = WARD;
  const schema: Schema = {
    ...rest,
    inputs: inputs.map((input) => input.name === "chol" ? { ...input, unit: "mg/dl" } : input),
  };
  await using predictor = await Predictor.of({ ...await wardModel(), schema });
  const { chol = [], ...others } = PATIENTS;
  const says = "expected the column chol in mg/dl, got mmol/l";
  const table = tableOf("ward.csv", { ...others, "chol [mmol/l]": chol });
  await assertRejects(() => predictor.predict(table), RangeError, says);
  const row = { age: 63, sex: "m", "chol [mmol/l]": 6 };
  await assertRejects(() => predictor.predict([row]), RangeError, says);
  const plain = tableOf("ward.csv", PATIENTS);
  const units = (chol: string) => ({ idColumn: "room", units: { chol } });
  await assertRejects(() => predictor.predict(plain, units("mmol/l")), RangeError, says);
  await checkAnswers(predictor, { ...others, "chol [mg/dl]": chol });
  assertEquals((await predictor.predict(plain, units("mg/dl"))).numMissing, 1);
});

Deno.test("Predictor gives the same in pieces of any size, and ids of rows that are left out", async () => {
  await using predictor = await Predictor.of(await wardModel());
  const table = tableOf("ward.csv", PATIENTS);
  const whole = await predictor.predict(table, { idColumn: "room" });
  for (const pieceRows of [1, 3, 4]) {
    const parts = await predictor.predict(table, { idColumn: "room", pieceRows });
    assertEquals(parts.scores, whole.scores);
    assertEquals(parts.ids, ["1", "2", "3", "4"]);
  }
  const sizes: number[] = [];
  for await (const { length } of predictor.predictPieces(table, { pieceRows: 3 })) {
    sizes.push(length);
  }
  assertEquals(sizes, [3, 1]);
  assertEquals((await predictor.predict(table)).notes, [
    "columns that the model does not use: room",
    "missing values are filled in",
  ]);
});

Deno.test("Predictor takes rows as objects and as lists", async () => {
  await using predictor = await Predictor.of(await wardModel());
  const [first] = [...await predictor.predict([{ sex: "m", age: 63, chol: "233.0" }])];
  const [second] = [...await predictor.predict([[63, 233, "m"]])];
  assertEquals(first, second);
  assertAlmostEquals(first?.probabilities?.yes ?? NaN, wardProbabilities(63, 233, "m")[1], 1e-6);
  // A key that a row lacks is a missing value.
  const some = await predictor.predict([{ sex: "m", age: 63 }, { sex: "f", chol: 3 }]);
  assertAlmostEquals(
    some.at(0)?.probabilities?.yes ?? NaN,
    wardProbabilities(63, 200, "m")[1],
    1e-6,
  );
  assertEquals(some.at(1), undefined);
  assertEquals((await predictor.predict([{ sex: "f", chol: 3, age: null }])).at(0), undefined);
  assertEquals((await predictor.predict([])).length, 0);
});

Deno.test("Predictor names in one line what does not fit the schema", async () => {
  await using predictor = await Predictor.of(await wardModel());
  const { age = [], chol = [], sex = [] } = PATIENTS;
  const cases: [Record<string, CellValue[]>, string][] = [
    [{ age, sex }, "Cannot use ward.csv: expected the column chol, got none of this name"],
    [{ age, sex, cholesterol: chol }, "expected the column chol, got cholesterol"],
    [{ age, sex: ["m", "f", "f", "x"], chol }, "row 4, column sex: expected"],
    [{ age: ["63", "old", "1", "2"], sex, chol }, "row 2, column age: expected a number"],
    [{ age, "chol [mg/dl]": chol, sex }, "expected the column chol without a unit, got mg/dl"],
  ];
  for (const [table, says] of cases) {
    const error = await assertRejects(
      () => predictor.predict(tableOf("ward.csv", table)),
      Error,
      says,
    );
    assert(!error.message.includes("\n"));
  }
  await assertRejects(
    () => predictor.predict([[63, 233]]),
    RangeError,
    "expected lists of 3 values, got 2 values in row 1",
  );
  await assertRejects(
    () => predictor.predict([[63, 233, "m"], { age: 1 }]),
    RangeError,
    "got an object in row 2",
  );
});

Deno.test("Predictor takes a data set that its schema has arranged, and no other", async () => {
  await using predictor = await Predictor.of(await wardModel());
  const features = Float32Array.of(63, 0.66, 0, 1);
  const data = (schema?: Schema) =>
    Dataset.of({
      features,
      targets: new Int32Array(1),
      shape: [4],
      task: "classification",
      numClasses: 2,
      ...(schema && { schema }),
    });
  const predictions = await predictor.predict(data(WARD));
  assertAlmostEquals(
    predictions.at(0)?.probabilities?.yes ?? NaN,
    wardProbabilities(63, 233, "m")[1],
    1e-6,
  );
  await assertRejects(() => predictor.predict(data()), RangeError, "got one without a schema");
  const other: Schema = { ...WARD, target: { ...WARD.target, name: "sick" } };
  await assertRejects(() => predictor.predict(data(other)), RangeError, "the target ill, got sick");
});

const RENT: Schema = {
  format: "fedlab.schema/1",
  inputs: [{ name: "rooms", kind: "number" }],
  target: {
    name: "rent",
    task: "regression",
    outputs: [
      { name: "rent", unit: "EUR", standardize: { mean: 1000, deviation: 200 } },
      { name: "area", unit: "m2" },
    ],
  },
};

/** A dense layer from one feature to two outputs, with a loss. */
function dense(loss: ModelDescription["loss"], units = 2, activation = "linear"): ModelDescription {
  const config = { name: "out", units, activation, batch_input_shape: [null, 1] };
  const layers = [{ class_name: "Dense", config }];
  return {
    format: "tfjs-layers",
    topology: { class_name: "Sequential", config: { name: "m", layers } },
    loss,
  };
}

Deno.test("Predictor gives measures in their own units", async () => {
  const model = await withWeights(dense("meanSquaredError"), [0.5, 20, -1, 3]);
  await using predictor = await Predictor.of({ ...model, schema: RENT });
  const { values, class: name } = (await predictor.predict([{ rooms: 4 }])).at(0) ?? {};
  // (0.5 * 4 - 1) * 200 + 1000, and 20 * 4 + 3.
  assertEquals([values, name], [{ rent: 1200, area: 83 }, undefined]);
});

Deno.test("Predictor gives probabilities of two classes from one output, and of labels", async () => {
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const input = RENT.inputs;
  const binary: Schema = {
    format: "fedlab.schema/1",
    inputs: input,
    target: { name: "let", task: "classification", classes: ["free", "let"] },
  };
  const labels: Schema = {
    ...binary,
    target: { name: "has", task: "multi-label", labels: ["bath", "garden"] },
  };
  const one = await withWeights(dense("binaryCrossentropy", 1, "sigmoid"), [0.5, -1.5]);
  const logit = await withWeights(dense("sigmoidCrossEntropy", 1), [0.5, -1.5]);
  for (const model of [one, logit]) {
    await using predictor = await Predictor.of({ ...model, schema: binary });
    const prediction = (await predictor.predict([{ rooms: 4 }])).at(0);
    assertEquals(prediction?.class, "let");
    assertAlmostEquals(prediction?.probabilities?.let ?? NaN, sigmoid(0.5), 1e-6);
    assertAlmostEquals(prediction?.probabilities?.free ?? NaN, 1 - sigmoid(0.5), 1e-6);
  }
  const two = await withWeights(dense("sigmoidCrossEntropy"), [0.5, -1, -1.5, 1]);
  await using predictor = await Predictor.of({ ...two, schema: labels });
  const prediction = (await predictor.predict([{ rooms: 4 }])).at(0);
  assertEquals(prediction?.labels, ["bath"]);
  assertAlmostEquals(prediction?.probabilities?.garden ?? NaN, sigmoid(-3), 1e-6);
  await assertRejects(
    () => Predictor.of({ ...two, schema: binary }),
    RangeError,
    "expected 1 outputs for let, got 2",
  );
  await assertRejects(
    () => Predictor.of({ ...two, schema: RENT }),
    RangeError,
    "expected a loss for regression of 2 outputs, got sigmoidCrossEntropy",
  );
});

Deno.test("Predictor of a model without a schema takes features by place", async () => {
  const data = await digits();
  const model = mlp({ inputShape: [8, 8, 1], numClasses: 10, hiddenUnits: 8 });
  const trained = { model, ...await initialParameters(model, 3), metadata: {} };
  await using predictor = await Predictor.of(trained);
  assertEquals([predictor.hasSchema, predictor.names.length], [false, 10]);
  const rows = [0, 1, 2].map((row) => data.features.subarray(row * 64, (row + 1) * 64));
  const fromRows = await predictor.predict(rows);
  const fromData = await predictor.predict(data.select([0, 1, 2]));
  assertEquals(fromRows.scores, fromData.scores);
  const probabilities = Object.values(fromRows.at(2)?.probabilities ?? {});
  assertAlmostEquals(probabilities.reduce((a, b) => a + b, 0), 1, 1e-6);
  await assertRejects(() => predictor.predict([[1, 2]]), RangeError, "lists of 64 values");
});

Deno.test("Predictor.load() reads a folder, a file, their URLs and their contents", () =>
  inFolder(async (folder) => {
    const { model, manifest, parameters, schema } = await wardModel();
    const plain = { manifest, parameters };
    await Deno.mkdir(`${folder}/run`);
    // A run's folder whose safetensors file says nothing but the weights.
    await writeSafetensors(`${folder}/run/model.safetensors`, plain);
    await Deno.writeTextFile(`${folder}/run/model.json`, JSON.stringify(model));
    await Deno.writeTextFile(`${folder}/run/schema.json`, JSON.stringify(schema));
    await writeModel(`${folder}/ward.safetensors`, { ...plain, model, ...(schema && { schema }) });
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const path = `${folder}${new URL(request.url).pathname}`;
        return await Deno.readFile(path).then(
          (bytes) => new Response(bytes),
          () => new Response("none", { status: 404 }),
        );
      },
    );
    const root = `http://127.0.0.1:${server.addr.port}`;
    const read = (name: string) => Deno.readFile(`${folder}/${name}`);
    const sources = [
      `${folder}/run`,
      `${folder}/ward.safetensors`,
      new URL(`file://${folder}/ward.safetensors`),
      `${root}/run`,
      new URL(`${root}/run/`),
      `${root}/ward.safetensors`,
      { weights: await read("ward.safetensors") },
      { weights: new Blob([await read("run/model.safetensors")]), model, schema },
      { weights: await read("run/model.safetensors"), model: JSON.stringify(model), schema },
    ];
    for (const source of sources) {
      await using predictor = await Predictor.load(source);
      assertEquals(predictor.schema, WARD);
      await checkAnswers(predictor, PATIENTS);
    }
    await assertRejects(() => Predictor.load(`${root}/gone`), Error, "there is no such file");
    await assertRejects(
      () => Predictor.load({ weights: new TextEncoder().encode("no model, but text") }),
      SyntaxError,
      "Cannot read the safetensors file",
    );
    await assertRejects(
      () => Predictor.load(`${folder}/run/model.safetensors`),
      TypeError,
      "expected its description in the metadata",
    );
  }));

Deno.test("Predictor takes weights by name and refuses those of another model", async () => {
  const { model, schema } = await wardModel();
  const { Manifest } = await import("../../mod.ts");
  const swapped = Manifest.of([{ name: "logits/bias", shape: [2] }, {
    name: "logits/kernel",
    shape: [4, 2],
  }]);
  const parameters = Float32Array.from([...WARD_WEIGHTS.slice(8), ...WARD_WEIGHTS.slice(0, 8)]);
  await using predictor = await Predictor.of({
    ...{ model, manifest: swapped, parameters, metadata: {} },
    ...(schema && { schema }),
  });
  await checkAnswers(predictor, PATIENTS);
  const other = logisticRegression({ inputShape: [5], numClasses: 2 });
  await assertRejects(
    () => Predictor.of({ model: other, manifest: swapped, parameters, metadata: {} }),
    RangeError,
    'expected the tensor "logits/kernel" of shape [5, 2], got [4, 2]',
  );
});
