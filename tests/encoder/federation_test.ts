import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Random } from "../../src/base/random.ts";
import { ClientSyncTop } from "../../src/client/sync_topology.ts";
import { Dataset } from "../../src/data/dataset.ts";
import { EncoderBase } from "../../src/encoder/encoder_base.ts";
import { ClientSGDHandler } from "../../src/engine/client_handler.ts";
import { createInference } from "../../src/engine/inference.ts";
import { initialParameters, modelEvaluator } from "../../src/engine/model_evaluator.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../src/server/sync_topology.ts";
import { InProcessPool } from "../../src/sim/in_process_pool.ts";
import { Simulation } from "../../src/sim/simulation.ts";
import { BaseMismatchError } from "../../src/train/base_model.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import { lora, textEncoder } from "../../src/train/models/encoder/text_encoder.ts";
import { sha256Hex } from "../../src/base/hash.ts";
import { SMALL, smallFile } from "../helpers/encoder/small_encoder.ts";
import {
  FedAvg,
  Flex,
  silentLogger,
  type Strategy,
  type TrainPlan,
  type TrainSettings,
} from "../../mod.ts";

const MOST_TOKENS = 10, CLIENTS = 3, ROUNDS = 3;
const FILE = smallFile();
const SHA256 = await sha256Hex(FILE);

/** Texts whose class is that of the first of their tokens which tells one. */
function texts(count: number, seed: number): Dataset {
  const random = new Random(seed, "test"), features = new Float32Array(count * MOST_TOKENS);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const length = 3 + random.below(MOST_TOKENS - 3), label = random.below(3);
    labels[i] = label;
    for (let k = 0; k < length; k++) {
      features[i * MOST_TOKENS + k] = k === 1 ? 1 + label : 5 + random.below(SMALL.vocabulary - 5);
    }
  }
  return new Dataset(features, labels, [MOST_TOKENS], 3);
}

function describe(train?: "AB" | "B" | "alternate"): ModelDescription {
  return textEncoder({
    base: { sha256: SHA256, bytes: FILE.length, format: "safetensors" },
    encoder: SMALL,
    numClasses: 3,
    maxTokens: MOST_TOKENS,
    ...train && { adapters: lora({ rank: 2, alpha: 4, layers: 2, train }) },
  });
}

const TRAIN = texts(60, 1), TEST = texts(40, 2);
const PARTS = Array.from(
  { length: CLIENTS },
  (_, i) => Uint32Array.from({ length: 20 }, (_, k) => 20 * i + k),
);

async function serverFor(
  model: ModelDescription,
  more: Partial<TrainSettings> = {},
  strategy: Strategy = new FedAvg(),
) {
  return new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    ...{ model, strategy },
    plan: {
      ...{ epochs: 2, batchSize: 5, learningRate: 0.02, momentum: 0, weightDecay: 0 },
      ...{ keepMomentum: false, optimizer: "adam" },
      ...more,
    },
    seed: 3,
  });
}

async function openBase(): Promise<EncoderBase> {
  return await EncoderBase.open({ content: FILE, sha256: SHA256 });
}

async function federate(model: ModelDescription) {
  const group = { distBackend: "tcp", logger: silentLogger } as const;
  using base = await openBase();
  const clients: Promise<void>[] = [];
  const server = new ServerSyncTop(await serverFor(model), {
    ...group,
    listen: "127.0.0.1:0",
    worldSize: CLIENTS + 1,
    rounds: ROUNDS,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      PARTS.forEach((rows, i) => {
        const handler = new ClientSGDHandler({ data: TRAIN, rows, base });
        const options = { ...group, serverAddr: event.address, rank: i + 1 };
        clients.push(new ClientSyncTop(handler, options).run().then(() => {}));
      });
    },
  });
  const report = await server.run();
  await Promise.all(clients);
  return { report, parameters: server.handler.parameters.slice() };
}

for (const train of [undefined, "AB", "B", "alternate"] as const) {
  const what = train ? `adapters whose ${train} is trained` : "the head alone";
  Deno.test(`a simulation of ${what} makes the model that clients over TCP make`, async () => {
    const model = describe(train);
    const { report, parameters } = await federate(model);
    const path = await Deno.makeTempFile({ suffix: ".safetensors" });
    await Deno.writeFile(path, FILE);
    const run = async (more: object) =>
      await new Simulation(await serverFor(model), {
        ...{ train: TRAIN, parts: PARTS, test: TEST, rounds: ROUNDS },
        base: { path },
        ...more,
      }).run();
    const one = await run({ pool: InProcessPool.start });
    assertEquals(one.modelDigest, report.modelDigest);
    const { modelDigest, rounds } = await run({ workers: 2 });
    assertEquals(modelDigest, report.modelDigest);
    assert((rounds.at(-1)?.accuracy ?? 0) > 0.5);

    // What is trained, and what stays.
    const { manifest, parameters: before } = await initialParameters(model, 1);
    for (const { name, offset, length } of manifest.tensors) {
      const stays = train === "B" && name.endsWith("lora_A");
      const now = parameters.subarray(offset, offset + length);
      assertEquals(now.every((value, i) => value === before[offset + i]), stays, name);
    }
    using base = await openBase();
    await using evaluator = await modelEvaluator(model, TEST, { base });
    const { accuracy } = await evaluator.evaluate(parameters);
    assertEquals(accuracy, rounds.at(-1)?.accuracy);
    using inference = await createInference(model, { manifest, parameters }, { base });
    const outputs = inference.run(TEST.features, TEST.shape);
    const right = TEST.labels.filter((label, i) => {
      const row = outputs.subarray(3 * i, 3 * i + 3);
      return row.indexOf(Math.max(...row)) === label;
    });
    assertEquals(right.length / TEST.length, accuracy);
    await Deno.remove(path);
  });
}

Deno.test("a client without the base of the model, or with another one, is refused by its digest", async () => {
  const model = describe("AB");
  const none = new ClientSGDHandler({ data: TRAIN });
  await assertRejects(() => none.setUp(model), TypeError, "(option base, --base)");
  const content = smallFile(2), sha256 = await sha256Hex(content);
  using base = await EncoderBase.open({ content, sha256 });
  const other = new ClientSGDHandler({ data: TRAIN, base });
  const error = await assertRejects(() => other.setUp(model), BaseMismatchError);
  assert(error.message.includes(SHA256) && error.message.includes(sha256));
  const native = new ClientSGDHandler({ data: TRAIN, base, engine: "tfjs" });
  await assertRejects(() => native.setUp(model), Error, "only the native engine");
});

Deno.test("a base whose tensors are not those of the description is refused by the first of them", async () => {
  using base = await openBase();
  const model = describe();
  const topology = { ...model.topology, encoder: { ...SMALL, inner: 16 } };
  const handler = new ClientSGDHandler({ data: TRAIN, base });
  await assertRejects(
    () => handler.setUp({ ...model, topology }),
    RangeError,
    '"encoder.layer.0.intermediate.dense.weight" of shape [16, 8], got [12, 8]',
  );
  await handler.setUp(model);
});

Deno.test("clients with adapters of unequal ranks train together by flex, and by no other strategy", async () => {
  const model = describe("AB"), path = await Deno.makeTempFile({ suffix: ".safetensors" });
  await Deno.writeFile(path, FILE);
  const ranks = [2, 1, 1], kept = new Map<number, Float32Array>();
  const run = async (strategy: Strategy) => {
    using base = await openBase();
    const handler = await serverFor(model, {}, strategy);
    await new Simulation(handler, {
      ...{ clients: CLIENTS, test: TEST, rounds: 6, pool: InProcessPool.start, base: { path } },
      handler: ({ rank = 0 }) => {
        const own = base.ofRank(ranks[rank - 1] ?? 2);
        const data = TRAIN.select(PARTS[rank - 1] ?? []);
        return new class extends ClientSGDHandler {
          override async train(plan: TrainPlan) {
            const result = await super.train(plan);
            kept.set(rank, this.parameters.slice());
            return result;
          }
        }({ data, base: own });
      },
    }).run();
    return handler;
  };
  const { manifest, parameters } = await run(new Flex());
  const columnsOf = (vector: Float32Array, name: string, column: number) => {
    const { offset, shape: [rows = 0, columns = 0] } =
      manifest.tensors.find((tensor) => tensor.name === name) ?? { offset: 0, shape: [] };
    return Array.from({ length: rows }, (_, row) => vector[offset + row * columns + column] ?? NaN);
  };
  const { name = "" } = manifest.tensors.find(({ name }) => name.endsWith("lora_B")) ?? {};
  const isUsed = (vector: Float32Array, column: number) =>
    columnsOf(vector, name, column).some((value) => value !== 0);
  assertEquals([1, 2, 3].map((rank) => isUsed(kept.get(rank) ?? new Float32Array(), 1)), [
    true,
    false,
    false,
  ]);
  assertEquals([isUsed(parameters, 0), isUsed(parameters, 1)], [true, true]);
  using base = await openBase();
  await using evaluator = await modelEvaluator(model, TEST, { base });
  const { accuracy = 0 } = await evaluator.evaluate(parameters);
  assert(accuracy > 0.5, `${accuracy}`);
  const other = await base.ofRank(1).createTrainer(model, { data: TRAIN }, "softmaxCrossEntropy");
  const plan = { ...(await serverFor(model)).plan, round: 1, seed: 1, rank: 1 };
  assertThrows(() => other.begin(plan, 5), RangeError, "expected the strategy flex");
  assertThrows(() => base.ofRank(0), RangeError, "expected it from 1, got 0");
  other[Symbol.dispose]();
  await Deno.remove(path);
});
