import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { digits } from "../../src/data/digits.ts";
import { Random } from "../../src/base/random.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import { NativeSGDHandler, UnsupportedModelError } from "../../src/engine/mod.ts";
import { logisticRegression, mlp } from "../../src/train/models/models.ts";
import { ClientSGDHandler, initialParameters, modelEvaluator } from "../../mod.ts";
import type { EngineChoice } from "../../src/tfjs/mod.ts";
import { planOf } from "../../src/testing/handler/plan.ts";
import { testHandler } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Returns `count` points of three classes around three corners. */
function corners(count: number): Dataset {
  const random = new Random(3, "test");
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const features = Float32Array.from(
    { length: count * 4 },
    (_, i) => (i % 4 === labels[Math.floor(i / 4)] ? 1 : 0) + 0.3 * random.normal(),
  );
  return new Dataset(features, labels, [4], 3);
}

/** Returns these points with coordinates 0, 1 or 2. */
function words(count: number): Dataset {
  const { features, labels, shape } = corners(count);
  const whole = features.map((value) => Math.min(2, Math.max(0, Math.round(2 * value))));
  return new Dataset(whole, labels, shape, 3);
}

function sequential(layers: readonly Record<string, unknown>[]): ModelDescription {
  const topology = { class_name: "Sequential", config: { name: "model", layers } };
  return { format: "tfjs-layers", topology, loss: "softmaxCrossEntropy" };
}

const CORNERS_MLP = mlp({ inputShape: [4], numClasses: 3, hiddenUnits: 8 });
const NORMED = sequential([
  { class_name: "Dense", config: { name: "wide", units: 8, batch_input_shape: [null, 4] } },
  { class_name: "BatchNormalization", config: { name: "norm" } },
  { class_name: "Dense", config: { name: "logits", units: 3 } },
]);
const CONVOLVED = sequential([
  { class_name: "Reshape", config: { target_shape: [2, 2, 1], batch_input_shape: [null, 4] } },
  { class_name: "Conv2D", config: { filters: 6, kernel_size: [2, 2], padding: "same" } },
  { class_name: "LeakyReLU", config: { alpha: 0.2 } },
  { class_name: "Flatten", config: {} },
  { class_name: "Dense", config: { units: 3 } },
]);
const SEPARATED = sequential([
  { class_name: "Reshape", config: { target_shape: [2, 2, 1], batch_input_shape: [null, 4] } },
  {
    class_name: "DepthwiseConv2D",
    config: { kernel_size: [2, 2], depth_multiplier: 6, activation: "sigmoid" },
  },
  { class_name: "BatchNormalization", config: {} },
  { class_name: "Flatten", config: {} },
  { class_name: "Dense", config: { units: 3, activation: "tanh" } },
]);
const DROPPING = sequential([
  { class_name: "Dense", config: { units: 16, batch_input_shape: [null, 4] } },
  { class_name: "Dropout", config: { rate: 0.2 } },
  { class_name: "Dense", config: { units: 3 } },
]);
const WORDS = sequential([
  {
    class_name: "Embedding",
    config: { input_dim: 3, output_dim: 4, batch_input_shape: [null, 4] },
  },
  { class_name: "Flatten", config: {} },
  { class_name: "Dense", config: { units: 3 } },
]);
/** Model that only tfjs runs. */
const FOGGY = sequential([
  { class_name: "GaussianNoise", config: { name: "fog", stddev: 1, batch_input_shape: [null, 4] } },
  { class_name: "Dense", config: { units: 3 } },
]);

async function native(
  description: ModelDescription,
  data = corners(52),
): Promise<NativeSGDHandler> {
  const handler = new NativeSGDHandler({ data });
  await handler.setUp(description);
  return handler;
}

async function client(
  description: ModelDescription,
  engine: EngineChoice,
  logger?: { info(line: string): void; warn(line: string): void },
): Promise<ClientSGDHandler> {
  const handler = new ClientSGDHandler({ data: corners(52), engine, ...(logger && { logger }) });
  await handler.setUp(description);
  return handler;
}

testHandler("NativeSGDHandler", () => native(CORNERS_MLP));
testHandler("NativeSGDHandler with a convolution", () => native(CONVOLVED));
testHandler("NativeSGDHandler with batch normalization", () => native(SEPARATED));
testHandler("NativeSGDHandler with dropout", () => native(DROPPING));
testHandler("NativeSGDHandler with an embedding", () => native(WORDS, words(52)));
testHandler("ClientSGDHandler on auto", () => client(CORNERS_MLP, "auto"));

for (const [name, description] of Object.entries({ CORNERS_MLP, CONVOLVED, NORMED, SEPARATED })) {
  Deno.test(`NativeSGDHandler trains ${name} as tfjs does, up to rounding`, async () => {
    await using ours = await native(description);
    await using theirs = await client(description, "tfjs");
    assertEquals(await ours.manifest.digest(), await theirs.manifest.digest());
    theirs.parameters = ours.parameters;
    for (const changes of [{}, { momentum: 0.9, weightDecay: 0.01, batchSize: 7, round: 2 }]) {
      const plan = planOf({ epochs: 2, ...changes });
      const a = await ours.train(plan), b = await theirs.train(plan);
      assertEquals([a.numSamples, a.steps, a.metrics], [b.numSamples, b.steps, b.metrics]);
      assertAlmostEquals(a.loss, b.loss, 1e-4);
      const expected = theirs.parameters;
      ours.parameters.forEach((x, i) => assertAlmostEquals(x, expected[i] ?? NaN, 1e-3));
      const judged = await ours.evaluate(), other = await theirs.evaluate();
      assertAlmostEquals(judged.loss, other.loss, 1e-3);
      assertEquals(judged.accuracy, other.accuracy);
    }
  });
}

Deno.test("NativeSGDHandler teaches a perceptron the digits", async () => {
  const all = await digits();
  const order = new Random(1, "split").permutation(all.length);
  const data = all.select(order.subarray(360)), testData = all.select(order.subarray(0, 360));
  await using handler = new NativeSGDHandler({ data, testData });
  await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
  await handler.train(planOf({ epochs: 8, learningRate: 0.1, momentum: 0.5 }));
  const { accuracy = 0, numSamples } = await handler.evaluate();
  assertEquals(numSamples, 360);
  assert(accuracy >= 0.95, `accuracy is ${accuracy}`);
});

Deno.test("NativeSGDHandler refuses data and models that do not fit, and names both", async () => {
  const lr = logisticRegression({ inputShape: [8, 8, 1], numClasses: 3 });
  await assertRejects(() => native(lr), RangeError, "[8, 8, 1], the data has [4]");
  const two = logisticRegression({ inputShape: [4], numClasses: 2 });
  await assertRejects(() => native(two), RangeError, "[3] or more, the model gives [2]");
  await assertRejects(() => native(FOGGY), UnsupportedModelError, "fog");
  const handler = new NativeSGDHandler({ data: corners(4) });
  await assertRejects(() => handler.setUp(undefined), TypeError, "describes none");
  assertThrows(() => handler.parameters, Error, "setUp()");
  const empty = new Dataset(new Float32Array(), new Int32Array(), [4], 3);
  assertThrows(() => new NativeSGDHandler({ data: empty }), RangeError, "0 rows");
});

Deno.test("SGDHandler ends a training whose model is replaced", async () => {
  const handler = await native(CORNERS_MLP);
  const training = handler.train(planOf({ epochs: 1_000_000 }));
  const timer = setTimeout(() => handler[Symbol.asyncDispose](), 0);
  await assertRejects(() => training, Error, "disposed");
  clearTimeout(timer);
});

Deno.test("ClientSGDHandler reports its engine, and the reason for tfjs", async () => {
  const linesOf = async (
    description: ModelDescription,
    engine: EngineChoice,
  ): Promise<string[]> => {
    const lines: string[] = [];
    const logger = { info: (line: string) => lines.push(line), warn: () => {} };
    await using _handler = await client(description, engine, logger);
    return lines;
  };
  assertEquals(await linesOf(CORNERS_MLP, "auto"), ["Training on the native engine"]);
  assertEquals(await linesOf(CORNERS_MLP, "native"), ["Training on the native engine"]);
  assertEquals(await linesOf(CORNERS_MLP, "tfjs"), ["Training on tfjs"]);
  const [line = "", ...more] = await linesOf(FOGGY, "auto");
  assertEquals(more, []);
  assertStringIncludes(line, "Training on tfjs, since");
  assertStringIncludes(line, "fog");
});

Deno.test("ClientSGDHandler refuses a model that the requested engine does not run", async () => {
  await assertRejects(() => client(FOGGY, "native"), UnsupportedModelError, "fog");
  await assertRejects(() => client(CORNERS_MLP, "gpu" as "auto"), RangeError, "gpu");
});

Deno.test("initialParameters() and modelEvaluator() agree on both engines", async () => {
  const data = corners(52);
  const ours = await initialParameters(NORMED, 4, { engine: "native" });
  const theirs = await initialParameters(NORMED, 4, { engine: "tfjs" });
  assertEquals(await ours.manifest.digest(), await theirs.manifest.digest());
  assertEquals((await initialParameters(NORMED, 4)).parameters, ours.parameters);
  assertNotEquals((await initialParameters(NORMED, 5)).parameters, ours.parameters);
  await assertRejects(() => initialParameters(NORMED, -1), RangeError);
  await assertRejects(
    () => initialParameters(FOGGY, 1, { engine: "native" }),
    UnsupportedModelError,
  );
  assertEquals((await initialParameters(FOGGY, 1)).parameters.length, 15);

  await using first = await modelEvaluator(CORNERS_MLP, data, { engine: "native" });
  await using second = await modelEvaluator(CORNERS_MLP, data, { engine: "tfjs" });
  const { parameters } = await initialParameters(CORNERS_MLP, 4);
  const a = await first.evaluate(parameters), b = await second.evaluate(parameters);
  assertAlmostEquals(a.loss, b.loss, 1e-5);
  assertEquals(a.accuracy, b.accuracy);
});

Deno.test("ClientSGDHandler on the native engine loads no tfjs and asks for no permission", async () => {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { ClientSGDHandler, initialParameters, modelEvaluator } from ${
    module("../../src/tfjs/mod.ts")
  };
    import { mlp } from ${module("../../src/train/models/models.ts")};
    import { Dataset } from ${module("../../src/data/dataset.ts")};
    const data = new Dataset(new Float32Array(8), new Int32Array([0, 1]), [4], 2);
    const model = mlp({ inputShape: [4], numClasses: 2 });
    const handler = new ClientSGDHandler({ data });
    await handler.setUp(model);
    const { steps } = await handler.train(${JSON.stringify(planOf())});
    const { evaluate } = await modelEvaluator(model, data);
    const { numSamples } = await evaluate((await initialParameters(model, 1)).parameters);
    console.log(steps, numSamples, "_tfengine" in globalThis);
    const fallback = new ClientSGDHandler({ data, engine: "tfjs" });
    await fallback.setUp(model);
    console.log("_tfengine" in globalThis);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--no-prompt", "--no-check", "-"],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assertEquals(
    new TextDecoder().decode(stdout),
    "1 2 false\ntrue\n",
    new TextDecoder().decode(stderr),
  );
});

for (const engine of ["native", "tfjs"] as const) {
  Deno.test(`useData() turns a handler on ${engine} into the next client, byte for byte`, async () => {
    const data = corners(90);
    const clients = [10, 37, 5].map((count) =>
      Uint32Array.from({ length: count }, (_, i) => (i * 13 + count) % data.length)
    );
    const plan = planOf({ batchSize: 4, epochs: 2 });
    const [first] = clients;
    assert(first !== undefined);
    await using shared = new ClientSGDHandler({ data, rows: first, engine });
    await shared.setUp(CORNERS_MLP);
    const start = shared.parameters.slice();
    for (const rows of clients) {
      shared.useData(data, rows);
      shared.parameters = start;
      assertEquals(shared.numSamples, rows.length);
      const before = await shared.evaluateTraining();
      const result = await shared.train(plan);

      await using own = new ClientSGDHandler({ data: data.select(rows), engine });
      await own.setUp(CORNERS_MLP);
      own.parameters = start;
      assertEquals(before, await own.evaluateTraining());
      assertEquals(result, await own.train(plan));
      assertEquals(shared.parameters, own.parameters);
    }
  });
}

Deno.test("useData() refuses no rows and data of another kind", async () => {
  const data = corners(20);
  const absent = Uint32Array.of(3, 20);
  assertThrows(() => new NativeSGDHandler({ data, rows: absent }), RangeError, "row 20");
  await using handler = new NativeSGDHandler({ data });
  await handler.setUp(CORNERS_MLP);
  assertThrows(() => handler.useData(data, new Uint32Array()), RangeError, "got 0 rows");
  const wider = new Dataset(new Float32Array(10), new Int32Array(2), [5], 3);
  assertThrows(() => handler.useData(wider), RangeError, "expected rows of shape [4]");
  assertThrows(
    () => new NativeSGDHandler({ data, rows: new Uint32Array() }),
    RangeError,
    "got 0 rows",
  );
});
