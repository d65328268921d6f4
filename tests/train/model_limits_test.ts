import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  cnn,
  Dataset,
  DEFAULT_PLAN,
  MessageCode,
  mlp,
  type ModelDescription,
  NativeSGDHandler,
  silentLogger,
} from "../../mod.ts";
import { Connection, memoryTransport } from "../../src/net/mod.ts";
import { parseModelDescription } from "../../src/train/mod.ts";
import { ClientSGDHandler } from "../../mod.ts";
import { planOf } from "../../src/testing/handler/plan.ts";
import { MOST_LAYERS, MOST_SAMPLE_VALUES } from "../../src/train/models/model_limits.ts";

const SIDE = 8;

const LONG = "x".repeat(60_000);

/** Two images of 8 by 8 pixels, of two classes. */
const DATA = new Dataset(
  new Float32Array(2 * SIDE * SIDE).fill(0.5),
  new Int32Array([0, 1]),
  [SIDE, SIDE, 1],
  2,
);

type Layer = { class_name: string; config: Record<string, unknown> };

function sequential(layers: Layer[]): ModelDescription {
  const [first, ...others] = layers;
  const config = { ...first?.config, batch_input_shape: [null, SIDE, SIDE, 1] };
  return {
    format: "tfjs-layers",
    loss: "softmaxCrossEntropy",
    topology: {
      class_name: "Sequential",
      config: {
        name: "m",
        layers: [{ class_name: first?.class_name, config }, ...others].map((layer, i) => ({
          ...layer,
          config: { name: `layer${i}`, ...layer.config },
        })),
      },
    },
  };
}

const FLATTEN: Layer = { class_name: "Flatten", config: {} };
const HEAD: Layer = { class_name: "Dense", config: { units: 2 } };
const SMALL: Layer = {
  class_name: "GlobalAveragePooling2D",
  config: { data_format: "channels_last" },
};

/** Model that can be built, with its tensors. */
async function described() {
  const model = sequential([FLATTEN, HEAD]);
  await using handler = new NativeSGDHandler({ data: DATA });
  await handler.setUp(model);
  return { ...model, manifest: handler.manifest.tensors };
}

/** Builds a model on an engine, and returns the outcome and the time. */
async function build(engine: "native" | "tfjs", model: ModelDescription): Promise<number> {
  await using handler = engine === "native"
    ? new NativeSGDHandler({ data: DATA })
    : new ClientSGDHandler({ data: DATA, engine: "tfjs" });
  const began = performance.now();
  await handler.setUp(model);
  return performance.now() - began;
}

const dense = (count: number) =>
  sequential([
    FLATTEN,
    ...Array.from({ length: count - 2 }, (): Layer => ({
      class_name: "Dense",
      config: { units: 1 },
    })),
    HEAD,
  ]);

Deno.test("a model of too many layers is refused before it is built, by parsing and by both engines", async () => {
  const message = `expected at most ${MOST_LAYERS} layers, got 11000`;
  const model = dense(11_000);
  const began = performance.now();
  assertThrows(() => parseModelDescription({ ...model }), RangeError, message);
  for (const engine of ["native", "tfjs"] as const) {
    await assertRejects(() => build(engine, model), RangeError, message);
  }
  const seconds = (performance.now() - began) / 1000;
  assert(seconds < 30, `it took ${seconds} seconds`);
});

Deno.test("layers within models within a model count as well", () => {
  const inner = (layers: unknown[]) => ({ class_name: "Sequential", config: { layers } });
  const part = (dense(MOST_LAYERS / 2 + 1).topology as { config: { layers: unknown[] } }).config;
  const nested = { ...dense(2), topology: inner([inner(part.layers), inner(part.layers)]) };
  assertThrows(() => parseModelDescription(nested), RangeError, "layers, got 2052");
  const listed = {
    ...dense(2),
    topology: { class_name: "Sequential", config: [...part.layers, ...part.layers] },
  };
  assertThrows(() => parseModelDescription(listed), RangeError, "layers, got 2050");
});

Deno.test("a model of as many layers as may be is read and built", async () => {
  const model = dense(MOST_LAYERS);
  parseModelDescription({ ...model });
  await build("native", model);
});

const padding = (pixels: number): Layer => ({
  class_name: "ZeroPadding2D",
  config: { padding: [[pixels, pixels], [pixels, pixels]], data_format: "channels_last" },
});
const convolution = (filters: number, more = {}): Layer => ({
  class_name: "Conv2D",
  config: { filters, kernel_size: [1, 1], padding: "same", use_bias: false, ...more },
});

for (
  const [engine, what, layers] of [
    ["tfjs", "a padding of 30,000", [padding(30_000), SMALL, HEAD]],
    ["tfjs", "many paddings", [...Array.from({ length: 40 }, () => padding(200)), SMALL, HEAD]],
    ["tfjs", "a padding of 2^53", [padding(2 ** 53), SMALL, HEAD]],
    ["tfjs", "filters of a million", [convolution(2 ** 21), SMALL, HEAD]],
    ["native", "filters of a million", [convolution(2 ** 21), SMALL, HEAD]],
    [
      "native",
      "many layers of thousands of filters",
      [
        convolution(1024),
        ...Array.from({ length: 1100 }, (): Layer => ({
          class_name: "ReLU",
          config: {},
        })),
        SMALL,
        HEAD,
      ],
    ],
  ] as const
) {
  Deno.test(`a model whose outputs are too large is refused by ${engine} before it runs: ${what}`, async () => {
    const error = await assertRejects(
      () => build(engine, sequential([...layers])),
      RangeError,
      `expected outputs of at most ${MOST_SAMPLE_VALUES} values a sample, got more up to layer`,
    );
    assert(!error.message.includes("\n"));
  });
}

Deno.test("a batch beyond the memory limit is refused before it runs, and a small one is not", async () => {
  const rows = 80;
  const data = new Dataset(
    new Float32Array(rows * SIDE * SIDE).fill(0.5),
    Int32Array.from({ length: rows }, (_, i) => i % 2),
    [SIDE, SIDE, 1],
    2,
  );
  // 2^24 values a sample.
  const model = sequential([convolution(2 ** 18), SMALL, HEAD]);
  await using handler = new ClientSGDHandler({ data, engine: "tfjs" });
  await handler.setUp(model);
  const message = /^Cannot use the model: expected a batch of at most 6\d samples, .* got 80$/;
  const plan = planOf({ batchSize: 0 });
  for (const work of [() => handler.train(plan), () => handler.evaluate()]) {
    assertMatch((await assertRejects(work, RangeError)).message, message);
  }
  await handler.evaluateOn(data, { from: 0, to: 2 });
  await using native = new NativeSGDHandler({ data });
  await assertRejects(() => native.setUp(model), RangeError);
});

for (
  const [key, layer] of [
    ["kernel_size", convolution(1, { kernel_size: [2 ** 32, 1] })],
    ["strides", convolution(1, { strides: [2 ** 40, 1] })],
    ["dilation_rate", convolution(1, { kernel_size: [2, 2], dilation_rate: [2 ** 31, 1] })],
    ["pool_size", {
      class_name: "MaxPooling2D",
      config: { pool_size: [2 ** 33, 1], strides: [1, 1], padding: "same" },
    }],
  ] as const
) {
  Deno.test(`a ${key} past 32 bits is refused, and does not wrap around`, async () => {
    await assertRejects(
      () => build("native", sequential([layer, SMALL, HEAD])),
      TypeError,
      "expected a window, strides and dilation of at most 1048576, got",
    );
  });
}

Deno.test("the package's own models are far below the limits", () => {
  for (const make of [mlp, cnn]) {
    const model = make({ inputShape: [28, 28, 1], numClasses: 10 });
    assertEquals(parseModelDescription({ ...model }), model);
  }
});

for (
  const [what, change] of [
    ["class", (topology: Layer) => ({ ...topology, class_name: LONG })],
    [
      "layer",
      (topology: Layer) => ({ ...topology, config: { layers: [{ ...HEAD, class_name: LONG }] } }),
    ],
    ["tensor", (topology: Layer) => topology],
  ] as const
) {
  Deno.test(`a client whose server describes a model with a very long ${what} does not repeat all of it`, async () => {
    const { manifest, topology, ...model } = await described();
    const listener = await memoryTransport.listen(crypto.randomUUID());
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
    await using handler = new NativeSGDHandler({ data: DATA });
    const running = assertRejects(() =>
      new ClientSyncTop(handler, {
        serverAddr: listener.address,
        distBackend: "memory",
        logger: { ...logger, error: logger.warn },
      }).run()
    );
    const channel = await listener.accept();
    assert(channel !== null);
    const connection = new Connection(channel);
    await connection.receive();
    const ones = { ...manifest[0], shape: [...Array(60_000).fill(1), manifest[0]?.shape[0] ?? 1] };
    await connection.send({
      code: MessageCode.IdAssignment,
      payload: {
        ...{ rank: 1, worldSize: 2, rounds: 9, run: "r", token: "0".repeat(32), seed: 1 },
        ...{ heartbeatSeconds: 5, strategy: "own", plan: DEFAULT_PLAN },
        manifest: what === "tensor" ? [ones, ...manifest.slice(1)] as typeof manifest : manifest,
        manifestDigest: "0".repeat(64),
        model: { ...model, topology: change(topology as Layer) },
      },
    });
    const { message } = await connection.receive() ?? {};
    assertEquals(message?.code, MessageCode.Error);
    await connection.close();
    listener.close();
    await running;
    assertEquals(lines.length, 1);
    assert((lines[0]?.length ?? 0) < 5000, `${lines[0]?.length}`);
  });
}
