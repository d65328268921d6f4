import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { mlp, NativeSGDHandler } from "../../mod.ts";
import { ByteFeatures } from "../../src/data/byte_features.ts";
import { Dataset, datasetOf, storedFeatures } from "../../src/data/dataset.ts";
import { Random } from "../../src/base/random.ts";
import { byteTable } from "../../src/engine/byte_table.ts";
import { createEngineArena } from "../../src/engine/kernels.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { NativeTrainer } from "../../src/engine/trainer.ts";
import { DEFAULT_PLAN } from "../../src/round/handler/client_plan.ts";

/** Images of 5 × 5, of which about half of the pixels are black, as bytes and as floats. */
function images(): { bytes: Dataset; floats: Dataset } {
  const random = new Random(3, "test"), rows = 60, scale = 1 / 255;
  const values = Uint8Array.from(
    { length: 25 * rows },
    () => Math.max(0, Math.floor(random.uniform() * 512) - 256),
  );
  const parts = {
    targets: Int32Array.from({ length: rows }, (_, i) => i % 4),
    shape: [5, 5],
    task: "classification",
    numClasses: 4,
  } as const;
  const features = Float32Array.from(values, (value) => Math.fround(value * scale));
  return {
    bytes: datasetOf(new ByteFeatures(values, scale), parts),
    floats: Dataset.of({ features, ...parts }),
  };
}

const PLAN = { ...DEFAULT_PLAN, epochs: 2, batchSize: 7, round: 1, seed: 3, rank: 1 };

for (const rows of [undefined, Uint32Array.of(5, 3, 59, 3, 0, 17, 20, 44)]) {
  Deno.test(`NativeSGDHandler makes the same of ${rows ? "rows" : "all"} of the bytes as of floats, bit for bit`, async () => {
    const results = [];
    const { bytes, floats } = images();
    for (const data of [bytes, floats]) {
      const model = mlp({ inputShape: [5, 5], numClasses: 4, hiddenUnits: 6 });
      await using handler = new NativeSGDHandler({ data, ...(rows && { rows }) });
      await handler.setUp(model);
      const trained = await handler.train(PLAN);
      const parameters = handler.parameters.slice();
      results.push({ trained, parameters, evaluated: await handler.evaluate() });
    }
    const [first, second] = results;
    assertEquals(first, second);
    assert(storedFeatures(bytes) instanceof ByteFeatures);
  });
}

Deno.test("NativeSGDHandler goes from bytes to floats and back, and evaluates either", async () => {
  const { bytes, floats } = images();
  const model = mlp({ inputShape: [5, 5], numClasses: 4, hiddenUnits: 6 });
  const parametersAfter = async (order: Dataset[]) => {
    await using handler = new NativeSGDHandler({ data: floats });
    await handler.setUp(model);
    const evaluated = [];
    for (const data of order) {
      handler.useData(data, Uint32Array.from({ length: 20 }, (_, i) => 2 * i));
      await handler.train(PLAN);
      evaluated.push(await handler.evaluateOn(bytes), await handler.evaluateOn(floats));
    }
    return { parameters: handler.parameters.slice(), evaluated };
  };
  const mixed = await parametersAfter([bytes, floats, bytes]);
  assertEquals(mixed, await parametersAfter([floats, floats, floats]));
});

Deno.test("NativeTrainer goes on with a round after it made room to judge bytes", () => {
  const { bytes, floats } = images();
  const graph = readGraph(mlp({ inputShape: [5, 5], numClasses: 4, hiddenUnits: 6 }));
  const parametersAfter = (judge: boolean) => {
    const trainer = NativeTrainer.create(graph, floats.length);
    trainer.use(floats);
    trainer.parameters = initialVector(graph, 1);
    trainer.begin({ ...PLAN, momentum: 0.5 }, 6);
    trainer.shuffle(Uint32Array.from({ length: 60 }, (_, i) => i * 7 % 60));
    trainer.step(0, 6);
    if (judge) trainer.judge(bytes, 0, 60);
    trainer.step(6, 12);
    return trainer.parameters.slice();
  };
  assertEquals(parametersAfter(true), parametersAfter(false));
});

Deno.test("the kernels widen bytes to the features of any scale, by products where these are exact", () => {
  const random = new Random(9, "test"), values = Uint8Array.from({ length: 256 }, (_, i) => i);
  const { arena, exports } = createEngineArena(1 << 14);
  const table = arena.alloc(258), widened = arena.alloc(256);
  const bytes = new Uint8Array(exports.memory.buffer, arena.alloc(64).byteOffset, 256);
  bytes.set(values);
  let products = 0;
  const scales = [
    1 / 255,
    1,
    0.5,
    -1 / 127.5,
    0,
    1e-40,
    ...Array.from({ length: 994 }, () => random.normal()),
  ];
  for (const scale of scales) {
    const features = new ByteFeatures(values, scale);
    table.set(byteTable(features));
    if (table[256] !== 0) products++;
    exports.widen_bytes(bytes.byteOffset, table.byteOffset, 256, widened.byteOffset);
    assertEquals(
      new Uint32Array(widened.slice().buffer),
      new Uint32Array(features.table.slice().buffer),
    );
  }
  assert(products > 900 && products < scales.length, `${products} scales by products`);
  assert(byteTable(new ByteFeatures(values, 1 / 255))[256] !== 0);
});
