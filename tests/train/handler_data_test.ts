import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import { NativeSGDHandler } from "../../src/engine/mod.ts";
import { logisticRegression, mlp } from "../../src/train/models/models.ts";
import { tf } from "../../src/tfjs/deps.ts";
import { ClientSGDHandler, type ClientSGDHandlerOptions } from "../../mod.ts";
import { startBackend } from "../../src/tfjs/mod.ts";
import { planOf } from "../../src/testing/handler/plan.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MODEL = mlp({ inputShape: [4], numClasses: 3, hiddenUnits: 8 });
const ENGINES = {
  "native": { engine: "native" },
  "tfjs on wasm": { engine: "tfjs", backend: "wasm" },
  "tfjs on cpu": { engine: "tfjs", backend: "cpu" },
} as const;

/** Returns that many rows of four features and three classes. */
function rowsOf(count: number, change: (features: Float32Array) => void = () => {}): Dataset {
  const features = Float32Array.from({ length: 4 * count }, (_, i) => Math.sin(i));
  change(features);
  return new Dataset(features, Int32Array.from({ length: count }, (_, i) => i % 3), [4], 3);
}

async function handlerOf(
  options: Partial<ClientSGDHandlerOptions>,
  description: ModelDescription = MODEL,
): Promise<ClientSGDHandler> {
  const handler = new ClientSGDHandler({ data: rowsOf(9), ...options });
  await handler.setUp(description);
  return handler;
}

Deno.test("SGDHandler refuses features that are not finite, and names the row", async () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    const bad = rowsOf(9, (features) => features[5 * 4 + 2] = value);
    const message = `Cannot use the data: expected finite features, got ${value} in row 5`;
    assertThrows(() => new NativeSGDHandler({ data: bad }), RangeError, message);
    assertThrows(
      () => new NativeSGDHandler({ data: rowsOf(9), testData: bad }),
      RangeError,
      message,
    );

    const rows = Uint32Array.of(3, 5), others = Uint32Array.of(3, 6);
    await using handler = new NativeSGDHandler({ data: bad, rows: others });
    await handler.setUp(MODEL);
    assertThrows(() => handler.useData(bad), RangeError, message);
    assertThrows(() => handler.useData(bad, rows), RangeError, message);
    await assertRejects(() => handler.evaluateOn(bad), RangeError, message);
    await assertRejects(() => handler.evaluateOn(bad, { rows }), RangeError, message);
    await assertRejects(() => handler.evaluateOn(bad, { from: 5, to: 6 }), RangeError, message);

    // Unused rows may hold any values.
    handler.useData(bad, others);
    assertEquals((await handler.train(planOf())).numSamples, 2);
    assertEquals((await handler.evaluateOn(bad, { rows, to: 1 })).numSamples, 1);
    assertEquals((await handler.evaluateOn(bad, { from: 6 })).numSamples, 3);
  }
});

Deno.test("evaluateOn() refuses missing rows and an empty selection", async () => {
  const data = rowsOf(6), rows = Uint32Array.of(1, 2, 6);
  const cases: [Parameters<NativeSGDHandler["evaluateOn"]>[1], string][] = [
    [{ rows }, "Cannot use row 6 of the data: expected 0 to 5"],
    [{ to: 7 }, "expected one row or more from 0 to before 6, got 0 to before 7"],
    [{ rows, to: 4 }, "before 3, got 0 to before 4"],
    [{ from: 3, to: 1 }, "got 3 to before 1"],
    [{ from: 2, to: 2 }, "got 2 to before 2"],
    [{ from: -1 }, "got -1 to before 6"],
    [{ from: 0.5 }, "got 0.5 to before 6"],
    [{ to: NaN }, "got 0 to before NaN"],
    [{ rows: new Uint32Array() }, "expected at least one row, got 0 rows"],
  ];
  for (const engine of Object.values(ENGINES)) {
    await using handler = await handlerOf(engine);
    for (const [options, message] of cases) {
      await assertRejects(() => handler.evaluateOn(data, options), RangeError, message);
    }
    await assertRejects(() => handler.evaluateOn(rowsOf(0)), RangeError, "got 0 rows");
    assertEquals((await handler.evaluateOn(data, { rows, to: 2 })).numSamples, 2);
  }
});

for (const [name, options] of Object.entries(ENGINES)) {
  Deno.test(`evaluateOn() on ${name} takes outputs that are not finite for wrong answers`, async () => {
    // The outputs of the first two rows are infinity less infinity, of the last two they are the
    // bias.
    const features = Float32Array.of(2, 2, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const data = new Dataset(features, Int32Array.of(0, 0, 0, 1), [4], 3);
    const model = mlp({ inputShape: [4], numClasses: 3, hiddenUnits: 2 });
    await using handler = await handlerOf({ data, ...options }, model);
    const parameters = new Float32Array(19).fill(3e38, 0, 8).fill(1, 10, 13).fill(-1, 13, 16);
    parameters[16] = 1;
    handler.parameters = parameters;
    const result = await handler.evaluateOn(data, { confusion: true });
    assertEquals(result.accuracy, 0.25);
    assertEquals(result.confusion, [[1, 0, 0, 2], [1, 0, 0, 0], [0, 0, 0, 0]]);
    handler.parameters = parameters.fill(1, 13, 16);
    assertEquals((await handler.evaluateOn(data)).accuracy, 0.25);
  });
}

Deno.test("useData() that is refused leaves the handler as it was", async () => {
  const words = (count: number, word: number) =>
    new Dataset(new Float32Array(4 * count).fill(word), new Int32Array(count), [4], 3);
  const topology = {
    class_name: "Sequential",
    config: {
      layers: [
        {
          class_name: "Embedding",
          config: { input_dim: 5, output_dim: 2, batch_input_shape: [null, 4] },
        },
        { class_name: "Flatten", config: {} },
        { class_name: "Dense", config: { units: 3 } },
      ],
    },
  };
  await using handler = new NativeSGDHandler({ data: words(3, 1) });
  await handler.setUp({ format: "tfjs-layers", topology, loss: "softmaxCrossEntropy" });
  for (const count of [2, 8]) {
    assertThrows(() => handler.useData(words(count, 77)), RangeError, "got 77 in row 0");
    assertEquals(handler.numSamples, 3);
    assertEquals((await handler.train(planOf())).numSamples, 3);
    assertEquals((await handler.evaluateTraining()).numSamples, 3);
  }
});

for (const [name, options] of Object.entries(ENGINES)) {
  Deno.test(`setUp() on ${name} that is overtaken frees what it has built`, async () => {
    if (options.engine === "tfjs") await startBackend(options.backend);
    const before = tf.memory().numTensors;
    const handler = new ClientSGDHandler({ data: rowsOf(9), ...options });
    const message = "disposed of or set up anew meanwhile";

    const first = assertRejects(() => handler.setUp(MODEL), Error, message);
    const second = handler.setUp(logisticRegression({ inputShape: [4], numClasses: 3 }));
    await first;
    await second;
    assertEquals(handler.manifest.length, 15);

    const third = assertRejects(() => handler.setUp(MODEL), Error, message);
    await handler[Symbol.asyncDispose]();
    await third;
    assertThrows(() => handler.manifest, Error, "setUp()");
    assertEquals(tf.memory().numTensors, before);
  });
}

Deno.test("setUp() that cannot use the data frees what it has built", async () => {
  await startBackend("wasm");
  const before = tf.memory().numTensors;
  const norm = {
    class_name: "BatchNormalization",
    config: { name: "norm", batch_input_shape: [null, 4] },
  };
  const dense = { class_name: "Dense", config: { name: "wide", units: 3 } };
  const described = (...layers: { class_name: string; config: Record<string, unknown> }[]) => ({
    format: "tfjs-layers" as const,
    topology: { class_name: "Sequential", config: { layers } },
    loss: "softmaxCrossEntropy" as const,
  });
  for (const key of ["scale", "center"]) {
    const layers = [{ ...norm, config: { ...norm.config, [key]: false } }, dense];
    await assertRejects(
      () => handlerOf(ENGINES["tfjs on wasm"], described(...layers)),
      Error,
      `Cannot train layer norm on tfjs: expected ${key} true, got false`,
    );
    await using native = await handlerOf(ENGINES.native, described(...layers));
    assert(Number.isFinite((await native.train(planOf())).loss));
  }
  const causes = [
    [{ class_name: "Warp", config: {} }, "Unknown layer: Warp"],
    [{ ...dense, config: { units: 3, activation: "warp" } }, "Unknown activation: warp"],
  ] as const;
  for (const [layer, cause] of causes) {
    const error = await assertRejects(
      () => handlerOf(ENGINES["tfjs on wasm"], described(norm, dense, layer)),
      TypeError,
    );
    assertEquals(
      error.message,
      `Cannot build the model: tfjs does not read its topology: ${cause}`,
    );
  }
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("setUp() says on either engine that a topology is missing or written by Keras 3", async () => {
  const policy = {
    module: "keras",
    class_name: "DTypePolicy",
    config: { name: "float32" },
    registered_name: null,
  };
  const keras3 = (...layers: Record<string, unknown>[]) => ({
    module: "keras",
    class_name: "Sequential",
    config: { name: "sequential", trainable: true, layers },
    registered_name: "Sequential",
  });
  const dense = { name: "dense", units: 3, activation: "linear", use_bias: true };
  const input = { batch_shape: [null, 4], dtype: "float32", sparse: false, name: "input" };
  const message = "expected the JSON of Keras 2, got that of Keras 3";
  const cases: [unknown, string][] = [
    [undefined, "expected its topology to be an object, got none"],
    ["{}", 'expected its topology to be an object, got "{}"'],
    [
      keras3({ class_name: "InputLayer", config: input }, {
        class_name: "Dense",
        config: { ...dense, dtype: policy },
      }),
      message,
    ],
    [
      keras3({
        class_name: "Dense",
        config: { ...dense, dtype: policy, batch_input_shape: [null, 4] },
      }),
      message,
    ],
    [
      {
        model_config: keras3({ class_name: "Dense", config: { ...dense, batch_shape: [null, 4] } }),
      },
      message,
    ],
  ];
  for (const engine of ["native", "tfjs"] as const) {
    for (const [topology, message] of cases) {
      const description = { format: "tfjs-layers", topology, loss: "softmaxCrossEntropy" };
      const error = await assertRejects(
        () => handlerOf({ engine, backend: "wasm" }, description as ModelDescription),
        TypeError,
        message,
      );
      assert(!error.message.includes("\n"), error.message);
    }
  }
});
