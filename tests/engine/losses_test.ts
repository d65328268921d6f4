import {
  Dataset,
  initialParameters,
  modelByName,
  type ModelDescription,
  Random,
  type TrainPlan,
} from "../../mod.ts";
import { ClientSGDHandler } from "../../src/engine/client_handler.ts";
import type { ModelOptions } from "../../src/train/models/models.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";

Deno.test.sanitizer({ ops: true, resources: true });

const ROWS = 160;
const plan: TrainPlan = {
  round: 1,
  epochs: 10,
  batchSize: 16,
  learningRate: 0.02,
  momentum: 0.5,
  weightDecay: 0,
  keepMomentum: false,
  seed: 3,
  rank: 1,
};

const random = new Random(5, "test");
const features = Float32Array.from({ length: 4 * ROWS }, () => random.normal());
const parts = { features, shape: [4] };

/** What a row's targets are: sums of its features, with noise. */
function measures(outputs: number): Float32Array {
  return Float32Array.from({ length: ROWS * outputs }, (_, i) => {
    const row = Math.floor(i / outputs), [a = 0, b = 0] = features.subarray(4 * row);
    return (i % outputs + 1) * a - b + 0.3 * random.normal();
  });
}

const scores = measures(3);
const labels = Dataset.of({
  ...parts,
  targets: scores.map((score) => score > 0 ? 1 : 0),
  task: "multi-label",
  outputs: 3,
});
const ofClasses = (numClasses: number, weights?: Float32Array) =>
  Dataset.of({
    ...parts,
    targets: Int32Array.from(
      { length: ROWS },
      (_, row) => Math.min(numClasses - 1, Math.max(0, Math.round((scores[3 * row] ?? 0) + 0.5))),
    ),
    task: "classification",
    numClasses,
    weights,
  });
const regression = Dataset.of({ ...parts, targets: scores, task: "regression", outputs: 3 });
const rowWeights = Float32Array.from({ length: ROWS }, (_, row) => row % 3);

/** A model with another loss, whose last layer has an activation. */
function activated(options: ModelOptions, activation: string, loss: ModelDescription["loss"]) {
  const text = JSON.stringify(modelByName("mlp", options));
  const at = text.lastIndexOf('"activation":"linear"');
  const described = text.slice(0, at) + text.slice(at).replace("linear", activation);
  return { ...JSON.parse(described), loss } as ModelDescription;
}

const shape = { inputShape: [4] };
const measured = { ...shape, task: "regression", outputs: 3 } as const;
const labelled = { ...shape, task: "multi-label", outputs: 3 } as const;
const three = { ...shape, numClasses: 3 }, two = { ...shape, numClasses: 2 };

const cases: readonly (readonly [string, ModelDescription, Dataset, Partial<TrainPlan>])[] = [
  ["squared errors of 3 measures", modelByName("mlp", measured), regression, {}],
  [
    "absolute errors",
    modelByName("2nn", { ...measured, loss: "meanAbsoluteError" }),
    regression,
    {},
  ],
  ["Huber's loss", modelByName("lr", { ...measured, loss: "huber" }), regression, {}],
  ["the logits of 3 labels", modelByName("mlp", labelled), labels, {}],
  [
    "the probabilities of 3 labels",
    activated(labelled, "sigmoid", "binaryCrossentropy"),
    labels,
    {},
  ],
  [
    "a logit of 2 classes",
    modelByName("mlp", { ...two, loss: "sigmoidCrossEntropy" }),
    ofClasses(2),
    {},
  ],
  ["weights of classes", modelByName("mlp", three), ofClasses(3), { classWeights: [1, 4, 0.25] }],
  ["weights of rows", modelByName("mlp", three), ofClasses(3, rowWeights), {}],
  [
    "weights of both",
    modelByName("lr", { ...two, loss: "sigmoidCrossEntropy" }),
    ofClasses(2, rowWeights),
    {
      classWeights: [1, 3],
      batchSize: 0,
      epochs: 100,
    },
  ],
  [
    "weights of probabilities",
    activated(three, "softmax", "categoricalCrossentropy"),
    ofClasses(3),
    {
      classWeights: [0.5, 1, 2],
    },
  ],
];

for (const [what, model, data, changes] of cases) {
  Deno.test(`both engines learn ${what} alike for 100 steps`, async () => {
    const { parameters } = await initialParameters(model, 1, { engine: "native" });
    const results = [];
    for (const engine of ["native", "tfjs"] as const) {
      await using handler = new ClientSGDHandler({ data, engine });
      await handler.setUp(model);
      handler.parameters = parameters;
      const before = await handler.evaluate();
      const trained = await handler.train({ ...plan, ...changes });
      assertEquals(trained.steps, 100);
      const after = await handler.evaluate();
      assert(after.loss < before.loss, `${engine} learns`);
      results.push({ trained, after, vector: handler.parameters.slice() });
    }
    const [native, tfjs] = results;
    assert(native && tfjs);
    assertAlmostEquals(native.trained.loss, tfjs.trained.loss, 1e-4);
    assertAlmostEquals(native.after.loss, tfjs.after.loss, 1e-4);
    native.vector.forEach((value, i) => assertAlmostEquals(value, tfjs.vector[i] ?? NaN, 1e-4));
    for (const [name, value] of Object.entries(native.after.metrics ?? {})) {
      assertAlmostEquals(value, tfjs.after.metrics?.[name] ?? NaN, 5e-3, name);
    }
  });
}

for (const engine of ["native", "tfjs"] as const) {
  Deno.test(`a gradient on ${engine} counts a row of weight 2 like two rows`, async () => {
    const model = modelByName("lr", measured);
    const rows = Array.from({ length: 12 }, (_, row) => row);
    const weights = Float32Array.from(rows, (row) => row % 3);
    const few = regression.select(rows);
    const weighted = Dataset.of({
      features: few.features,
      targets: few.targets,
      shape: [4],
      task: "regression",
      outputs: 3,
      weights,
    });
    // Twelve rows in all: the mean divides by the same number.
    const repeated = regression.select(rows.flatMap((row) => new Array(weights[row]).fill(row)));
    assertEquals(repeated.length, weighted.length);
    const gradients = [];
    for (const data of [weighted, repeated]) {
      await using handler = new ClientSGDHandler({ data, engine });
      await handler.setUp(model);
      handler.parameters = (await initialParameters(model, 1, { engine: "native" })).parameters;
      gradients.push((await handler.gradient(plan)).gradient.slice());
    }
    const [one, other] = gradients;
    one?.forEach((value, i) => assertAlmostEquals(value, other?.[i] ?? NaN, 1e-5));
  });

  Deno.test(`class weights that do not fit are refused on ${engine}, before a step is taken`, async () => {
    const refusal = async (model: ModelDescription, data: Dataset, classWeights: number[]) => {
      await using handler = new ClientSGDHandler({ data, engine });
      await handler.setUp(model);
      const before = handler.parameters.slice();
      const { message } = await assertRejects(
        () => handler.train({ ...plan, classWeights }),
        RangeError,
      );
      assertEquals(handler.parameters, before);
      return message;
    };
    assertEquals(
      await refusal(modelByName("lr", three), ofClasses(2), [1, 2]),
      "Cannot train: expected class weights for 3 classes, got 2",
    );
    assertEquals(
      await refusal(modelByName("lr", measured), regression, [1, 2]),
      "Cannot train: expected no class weights for the task regression, got 2",
    );
    assertEquals(
      await refusal(modelByName("lr", two), ofClasses(2), [1, NaN]),
      "Cannot train: expected finite class weights from 0, got NaN",
    );
  });

  Deno.test(`data of another task than the loss is refused on ${engine}`, async () => {
    const message = async (model: ModelDescription, data: Dataset) => {
      await using handler = new ClientSGDHandler({ data, engine });
      return (await assertRejects(() => handler.setUp(model), RangeError)).message;
    };
    const where = "Cannot use the data with the";
    assertEquals(
      await message(modelByName("lr", three), regression),
      `${where} loss softmaxCrossEntropy: expected the task classification, got regression`,
    );
    assertEquals(
      await message(modelByName("lr", measured), labels),
      `${where} loss meanSquaredError: expected the task regression, got multi-label`,
    );
    assertEquals(
      await message(modelByName("lr", { ...measured, outputs: 2 }), regression),
      `${where} model: meanSquaredError over targets of 3 values takes an output of shape [3], the model gives [2]`,
    );
  });

  Deno.test(`a client with one of two classes joins a binary model on ${engine}`, async () => {
    const one = Dataset.of({
      ...parts,
      targets: new Int32Array(ROWS),
      task: "classification",
      numClasses: 1,
    });
    await using handler = new ClientSGDHandler({ data: one, engine });
    await handler.setUp(
      activated({ ...two, loss: "sigmoidCrossEntropy" }, "sigmoid", "binaryCrossentropy"),
    );
    const { metrics } = await handler.train(plan);
    assertEquals(metrics.accuracy, 1);
    assertEquals((await handler.evaluate()).sums?.outputs, 2);
  });
}

Deno.test("measures are used as they are on both engines", async () => {
  const model: ModelDescription = modelByName("lr", { inputShape: [1], task: "regression" });
  const data = Dataset.of({
    features: Float32Array.of(1, 2, 3),
    targets: Float32Array.of(0.5, 0.9, 1.5),
    shape: [1],
    task: "regression",
  });
  for (const engine of ["native", "tfjs"] as const) {
    await using handler = new ClientSGDHandler({ data, engine });
    await handler.setUp(model);
    handler.parameters = Float32Array.of(0.5, 0);
    const { loss, accuracy, metrics } = await handler.evaluate();
    assertAlmostEquals(loss, 0.01 / 3, 1e-7);
    assertEquals(accuracy, undefined);
    assertAlmostEquals(metrics?.rmse ?? NaN, Math.sqrt(0.01 / 3), 1e-6);
  }
});
