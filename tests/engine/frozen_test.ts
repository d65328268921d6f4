import {
  digits,
  initialParameters,
  type ModelDescription,
  NativeSGDHandler,
  parseStrategy,
  partition,
  Simulation,
  SyncParameterServerHandler,
  type TrainPlan,
} from "../../mod.ts";
import { ClientSGDHandler } from "../../src/engine/client_handler.ts";
import { STRATEGY_NAMES } from "../../src/strategy/registry.ts";
import type { Manifest } from "../../src/params/mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";

Deno.test.sanitizer({ ops: true, resources: true });

function layer(class_name: string, config: Record<string, unknown>) {
  return { class_name, config };
}

/** A frozen base with BatchNormalization between layers that are trained. */
const model: ModelDescription = {
  format: "tfjs-layers",
  loss: "softmaxCrossEntropy",
  topology: layer("Sequential", {
    name: "transfer",
    layers: [
      layer("Flatten", { name: "flat", batch_input_shape: [null, 8, 8, 1] }),
      layer("Dense", { name: "before", units: 5 }),
      layer("Dense", { name: "base", units: 6, activation: "relu", trainable: false }),
      layer("BatchNormalization", { name: "norm", trainable: false }),
      layer("Dense", { name: "head", units: 10 }),
    ],
  }),
};

const FROZEN = /^(base|norm)\//;
const plan: TrainPlan = {
  round: 1,
  epochs: 1,
  batchSize: 16,
  learningRate: 0.05,
  momentum: 0.9,
  weightDecay: 0.01,
  keepMomentum: false,
  seed: 1,
  rank: 1,
};

const data = (await digits()).select(Array.from({ length: 160 }, (_, row) => row));

/** Initial parameters whose frozen tensors have values that no sum of a few gives exactly. */
async function start(): Promise<{ manifest: Manifest; parameters: Float32Array<ArrayBuffer> }> {
  const { manifest, parameters } = await initialParameters(model, 1, { engine: "native" });
  const vector = parameters.slice();
  manifest.views(vector).forEach((view, i) => {
    if (FROZEN.test(manifest.tensors[i]?.name ?? "")) {
      view.forEach((_, k) => view[k] = 0.1 + Math.abs(Math.sin(7 * i + k)) / 3);
    }
  });
  return { manifest, parameters: vector };
}

/** Names of the tensors with a value of other bits. */
function changed(manifest: Manifest, before: Float32Array, after: Float32Array): string[] {
  const bits = (vector: Float32Array) =>
    new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  const [a, b] = [bits(before), bits(after)];
  return manifest.tensors.filter(({ offset, length }) =>
    a.subarray(offset, offset + length).some((value, k) => value !== b[offset + k])
  ).map(({ name }) => name);
}

/** Strategies that need a setting. */
const SETTINGS: Readonly<Record<string, string>> = {
  "fedper": "fedper:local=head/",
  "norm-clipping": "norm-clipping:bound=1",
};

for (const name of STRATEGY_NAMES) {
  Deno.test(`under ${name} every tensor of a frozen layer keeps its bits, and others change`, async () => {
    const { manifest, parameters } = await start();
    const handler = new SyncParameterServerHandler({
      manifest,
      parameters: parameters.slice(),
      model,
      strategy: parseStrategy(SETTINGS[name] ?? name),
      plan: { batchSize: 16, learningRate: 0.05 },
      seed: 1,
    });
    const parts = partition("iid", data, { parts: 8, seed: 1 });
    await new Simulation(handler, { train: data, parts, rounds: 3, workers: 1 }).run();
    const names = changed(manifest, parameters, handler.parameters);
    assertEquals(names.filter((tensor) => FROZEN.test(tensor)), []);
    const head = name === "fedper" ? [] : ["head/bias", "head/kernel"];
    assertEquals(names.toSorted(), ["before/bias", "before/kernel", ...head]);
  });
}

for (const engine of ["native", "tfjs"] as const) {
  Deno.test(`a frozen BatchNormalization trains by its moving statistics on ${engine}`, async () => {
    const { manifest, parameters } = await start();
    await using handler = new ClientSGDHandler({ data, engine });
    await handler.setUp(model);
    handler.parameters = parameters;
    // In inference mode the layer normalizes by its moving statistics: the loss is that of training.
    const { loss } = await handler.evaluate();
    const { loss: inTraining, gradient } = await handler.gradient(plan);
    assertAlmostEquals(inTraining, loss, 1e-5);
    manifest.views(gradient).forEach((view, i) => {
      const { name = "" } = manifest.tensors[i] ?? {};
      assertEquals(view.every((value) => value === 0), FROZEN.test(name), name);
    });
    await handler.train(plan);
    assertEquals(
      changed(manifest, parameters, handler.parameters).filter((name) => FROZEN.test(name)),
      [],
    );
  });
}

Deno.test("both engines take the same gradient through a frozen BatchNormalization", async () => {
  const { parameters } = await start();
  const gradients = [];
  for (const engine of ["native", "tfjs"] as const) {
    await using handler = new ClientSGDHandler({ data, engine });
    await handler.setUp(model);
    handler.parameters = parameters;
    gradients.push((await handler.gradient(plan)).gradient.slice());
  }
  const [native, tfjs] = gradients;
  native?.forEach((value, i) => assertAlmostEquals(value, tfjs?.[i] ?? NaN, 1e-6));
});

Deno.test("a BatchNormalization that is trained still follows its batches", async () => {
  const { topology } = model;
  const text = JSON.stringify(topology).replace('"name":"norm","trainable":false', '"name":"norm"');
  const trained = { ...model, topology: JSON.parse(text) };
  await using handler = new NativeSGDHandler({ data });
  await handler.setUp(trained);
  const before = handler.parameters.slice();
  await handler.train(plan);
  const names = changed(handler.manifest, before, handler.parameters);
  assert(names.includes("norm/moving_mean") && names.includes("norm/moving_variance"));
  assertNotEquals(names.find((name) => name === "norm/gamma"), undefined);
});
