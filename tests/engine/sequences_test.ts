import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { ClientSGDHandler, Dataset, Random } from "../../mod.ts";
import { createInference } from "../../src/engine/inference.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { NativeTrainer } from "../../src/engine/trainer.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";
import { sequential } from "../helpers/layer_models.ts";

Deno.test.sanitizer({ ops: true, resources: true });

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Reference {
  readonly x: readonly (readonly number[])[];
  readonly y: readonly (readonly number[])[];
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly losses: readonly number[];
  readonly after_3_steps: Readonly<Record<string, Tensor>>;
}

const PLAN: TrainPlan = {
  round: 1,
  epochs: 1,
  batchSize: 4,
  learningRate: 1,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
  seed: 3,
  rank: 1,
};

/** Parameters of a language model of characters, in the order of its manifest. */
const NAMES = [
  ...["embeddings", "kernel_1", "recurrent_1", "bias_1", "kernel_2", "recurrent_2", "bias_2"],
  ...["dense_kernel", "dense_bias"],
];

function languageModel(steps: number, symbols: number, units: number, embedding: number) {
  const cell = { units, return_sequences: true, recurrent_activation: "sigmoid" };
  return sequential([steps], [
    ["Embedding", { input_dim: symbols, output_dim: embedding }],
    ["LSTM", cell],
    ["LSTM", cell],
    ["Dense", { units: symbols }],
  ]);
}

Deno.test("NativeTrainer takes the steps of PyTorch's language model in float64", async () => {
  const file = new URL("../fixtures/sequences/char_lm_3_sgd_steps.json", import.meta.url);
  const { x, y, inputs, losses, after_3_steps: after }: Reference = JSON.parse(
    await Deno.readTextFile(file),
  );
  const rows = x.length, steps = x[0]?.length ?? 0;
  const graph = readGraph(languageModel(steps, 11, 12, 8));
  const data = new Dataset(Float32Array.from(x.flat()), Int32Array.from(y.flat()), [steps], 11, {
    outputs: steps,
  });
  const flat = (tensors: Readonly<Record<string, Tensor>>) =>
    Float32Array.from(NAMES.flatMap((name) => tensors[name]?.data ?? []));
  for (const weightDecay of [0, 1e-30]) {
    // Gradients go straight into the parameters, and with a decay into a vector of their own.
    using trainer = NativeTrainer.create(graph, rows);
    trainer.use(data);
    trainer.parameters = flat(inputs);
    trainer.begin({ ...PLAN, weightDecay }, rows);
    trainer.shuffle(new Uint32Array([0, 1, 2, 3]));
    for (const want of losses) {
      const { loss, counted } = trainer.step(0, rows);
      assertEquals(counted, rows * steps);
      assert(Math.abs(loss / counted - want) < 1e-5, `${loss / counted} is not ${want}`);
    }
    const want = flat(after), largest = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    trainer.parameters.forEach((value, i) => {
      assert(Math.abs(value - (want[i] ?? NaN)) < 1e-4 * largest, `${i}: ${value}, not ${want[i]}`);
    });
  }
});

/** Sequences of different lengths, whose labels are the symbols that follow. */
function sequences(rows: number, steps: number, symbols: number): Dataset {
  const random = new Random(5, "test");
  const features = new Float32Array(rows * steps), labels = new Int32Array(rows * steps).fill(-1);
  for (let row = 0; row < rows; row++) {
    const length = 1 + random.below(steps);
    let symbol = 1 + random.below(symbols - 1);
    for (let t = 0; t < length; t++) {
      features[row * steps + t] = symbol;
      symbol = 1 + (symbol * 3 + random.below(2)) % (symbols - 1);
      labels[row * steps + t] = symbol;
    }
  }
  return new Dataset(features, labels, [steps], symbols, { outputs: steps });
}

const MASKED = sequential([6], [
  ["Embedding", { input_dim: 9, output_dim: 5, mask_zero: true }],
  ["LSTM", { units: 8, return_sequences: true, unit_forget_bias: true }],
  ["Dense", { units: 9 }],
]);

Deno.test("ClientSGDHandler learns sequences the same on both engines", async () => {
  const data = sequences(80, 6, 9);
  const start = initialVector(readGraph(MASKED), 1);
  const plan = { ...PLAN, epochs: 3, batchSize: 8, learningRate: 1 };
  const results = [];
  for (const engine of ["native", "tfjs"] as const) {
    await using handler = new ClientSGDHandler({ data, engine });
    await handler.setUp(MASKED);
    handler.parameters = start;
    const { numSamples } = await handler.train(plan);
    assertEquals(numSamples, 80);
    const evaluation = await handler.evaluateOn(data);
    results.push({ ...evaluation, parameters: handler.parameters.slice() });
  }
  const [one, other] = results;
  assert(one && other);
  assertEquals(one.numSamples, data.targets.filter((label) => label >= 0).length);
  assertEquals([one.numSamples, one.accuracy], [other.numSamples, other.accuracy]);
  assert(Math.abs((one.loss ?? NaN) - (other.loss ?? NaN)) < 1e-5);
  assert((one.accuracy ?? 0) > 1 / 8, `accuracy is ${one.accuracy}`);
  assert(Math.abs((one.metrics?.logLoss ?? NaN) - (one.loss ?? NaN)) < 1e-5);
  one.parameters.forEach((value, i) => {
    assert(Math.abs(value - (other.parameters[i] ?? NaN)) < 1e-4, `${i}`);
  });
});

Deno.test("ClientSGDHandler gives the same parts of a step for any number of rows at once", async () => {
  // More rows than are computed at once: their shares count by the steps that have a label.
  const data = sequences(150, 6, 9), start = initialVector(readGraph(MASKED), 1);
  using trainer = NativeTrainer.create(readGraph(MASKED), 150);
  trainer.use(data);
  trainer.parameters = start;
  trainer.begin({ ...PLAN, weightDecay: 1e-30, batchSize: 150 }, 150);
  const order = Uint32Array.from({ length: 150 }, (_, i) => i);
  trainer.shuffle(order);
  const { loss, counted } = trainer.step(0, 150);
  const first = trainer.parameters.slice();
  await using handler = new ClientSGDHandler({ data, engine: "tfjs" });
  await handler.setUp(MASKED);
  handler.parameters = start;
  const whole = await handler.train({ ...PLAN, batchSize: 150 });
  assert(Math.abs(loss / counted - (whole.loss ?? NaN)) < 1e-5);
  handler.parameters.forEach((value, i) => {
    assert(Math.abs(value - (first[i] ?? NaN)) < 1e-5, `${i}: ${value} ${first[i]}`);
  });
});

Deno.test("ClientSGDHandler refuses sequences that do not fit, and ones without labels", async () => {
  await using handler = new ClientSGDHandler({ data: sequences(4, 5, 9), engine: "native" });
  await assertRejects(
    () => handler.setUp(MASKED),
    RangeError,
    "the model takes samples of shape [6], the data has [5]",
  );
  const model = sequential([5], [["Embedding", { input_dim: 9, output_dim: 2 }], ["Flatten"], [
    "Dense",
    { units: 9 },
  ]]);
  await assertRejects(
    () => handler.setUp(model),
    RangeError,
    "over 9 classes at 5 steps takes an output of shape [5, 9] or more, the model gives [9]",
  );
  const none = new Dataset(new Float32Array(12), new Int32Array(12).fill(-1), [6], 9, {
    outputs: 6,
  });
  await using empty = new ClientSGDHandler({ data: none, engine: "native" });
  await empty.setUp(MASKED);
  await assertRejects(() => empty.train(PLAN), Error, "no step of the sequences has a label");
});

Deno.test("both engines run recurrent layers in both directions alike, with padding and without", async () => {
  const features = sequences(6, 5, 9).features;
  for (const [i, merge_mode] of (["concat", "sum", "mul", "ave"] as const).entries()) {
    const class_name = (["LSTM", "GRU", "SimpleRNN"] as const)[i % 3];
    const both = (config: object) => ({ merge_mode, layer: { class_name, config } });
    const model = sequential([5], [
      ["Embedding", { input_dim: 9, output_dim: 4, mask_zero: i < 3 }],
      ["Bidirectional", both({ units: 3, return_sequences: true, name: "words" })],
      ["Bidirectional", both({ units: 2 })],
      ["Dense", { units: 3 }],
    ]);
    const graph = readGraph(model);
    const trained = { manifest: graph.manifest, parameters: initialVector(graph, 1) };
    const outputs = [];
    for (const engine of ["native", "tfjs"] as const) {
      using inference = await createInference(model, trained, { engine });
      outputs.push(inference.run(features, [5]));
    }
    const [one = [], other = []] = outputs;
    assertEquals(one.length, 18);
    one.forEach((value, k) => {
      assert(Math.abs(value - (other[k] ?? NaN)) < 1e-5, `${merge_mode}, ${k}: ${value}`);
    });
  }
});

Deno.test("ClientSGDHandler trains a recurrent layer in both directions the same on both engines", async () => {
  const data = sequences(24, 5, 9),
    inner = { class_name: "GRU", config: { units: 4, return_sequences: true } };
  const model = sequential([5], [
    ["Embedding", { input_dim: 9, output_dim: 4, mask_zero: true }],
    ["Bidirectional", { layer: inner, trainable: true, merge_mode: "concat" }],
    ["Dense", { units: 9 }],
  ]);
  const start = initialVector(readGraph(model), 1), ends = [];
  for (const engine of ["native", "tfjs"] as const) {
    await using handler = new ClientSGDHandler({ data, engine });
    await handler.setUp(model);
    handler.parameters = start;
    await handler.train({ ...PLAN, batchSize: 8 });
    ends.push(handler.parameters.slice());
  }
  const [one = start, other = start] = ends;
  assert(one.some((value, i) => Math.abs(value - (start[i] ?? 0)) > 1e-3));
  one.forEach((value, i) => assert(Math.abs(value - (other[i] ?? NaN)) < 1e-5, `${i}: ${value}`));
});
