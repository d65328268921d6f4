/** Every pair of mode, transport, kind of input, task, engine and setting works in a live run. */
import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  ClientFollowingTop,
  ClientSGDHandler,
  Dataset,
  initialParameters,
  mlp,
  parseAsyncStrategy,
  parseStrategy,
  schemaOf,
  ServerAsyncTop,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
  tableOf,
  tableSource,
  type TrainSettings,
} from "../../mod.ts";
import type { DataSource } from "../../src/data/schema/data_source.ts";
import { inputShape, numOutputs } from "../../src/data/schema/features.ts";
import type { SchemaOptions } from "../../src/data/schema/options.ts";
import type { Schema, Task } from "../../src/data/schema/schema.ts";
import { arraySource } from "../../src/data/sources/array_source.ts";
import type { LearningRateSchedule } from "../../src/plan/schedule.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Kind = "number" | "missing" | "category" | "boolean" | "array" | "image";

/** A run to make, from some choices; the rest are defaults. */
interface Draft {
  strategy?: string;
  mode?: "async";
  transport?: "memory" | "tcp" | "websocket";
  kind?: Kind;
  task?: Task;
  engine?: "native" | "tfjs";
  plan?: Partial<TrainSettings>;
  schedule?: LearningRateSchedule;
  evaluates?: "server";
}

const DIMENSIONS: readonly (readonly Draft[])[] = [
  [
    ...["fedavg", "fedsgd", "scaffold", "median", "fednova"].map((strategy) => ({ strategy })),
    ...["fedasync", "fedbuff:size=2"].map((strategy) => ({ strategy, mode: "async" as const })),
  ],
  [{ transport: "memory" }, { transport: "tcp" }, { transport: "websocket" }],
  (["number", "missing", "category", "boolean", "array", "image"] as const)
    .map((kind) => ({ kind })),
  [{ task: "classification" }, { task: "multi-label" }, { task: "regression" }],
  [{ engine: "native" }, { engine: "tfjs" }],
  [{ plan: { weightDecay: 0 } }],
  [{ schedule: { name: "exponential", decay: 0.5 } }],
  [{ evaluates: "server" }],
];

const ROWS = 12;
const wave = (i: number) => Math.sin(i * i);

/** Data of a site, with as many rows at each. */
function sourceOf(kind: Kind, task: Task, site: number): DataSource {
  const rows = Array.from({ length: ROWS }, (_, i) => i + site * ROWS);
  if (kind === "array" || kind === "image") {
    const shape = kind === "image" ? [2, 2, 1] : [4];
    const common = { features: Float32Array.from({ length: 4 * ROWS }, (_, i) => wave(i)), shape };
    const train = task === "classification"
      ? new Dataset(common.features, Int32Array.from(rows, (row) => row % 2), shape, 2)
      : Dataset.of({
        ...common,
        task,
        outputs: 2,
        targets: Float32Array.from({ length: 2 * ROWS }, (_, i) => i % 2),
      });
    return arraySource({ name: "arrays", train });
  }
  const column = {
    number: rows.map(wave),
    missing: rows.map((row) => row % 5 === 0 ? null : wave(row)),
    category: rows.map((row) => ["a", "b", "c"][row % 3]),
    boolean: rows.map((row) => row % 3 === 0),
  }[kind];
  const table = tableOf(`site${site}.csv`, {
    x: column,
    z: rows.map((row) => wave(row + 1)),
    p: rows.map((row) => task === "regression" ? wave(row) + 0.5 : row % 2 === 0),
    q: rows.map((row) => task === "regression" ? wave(row) - 0.5 : row % 3 === 0),
  });
  const options: SchemaOptions = {
    target: task === "classification" ? "p" : ["p", "q"],
    task,
    missing: { "": { policy: kind === "missing" ? "mean" : "error" } },
    ...(task === "classification" && { exclude: ["q"] }),
  };
  return tableSource({ train: table }, options);
}

async function schemaFor(kind: Kind, task: Task): Promise<Schema> {
  const { train } = await sourceOf(kind, task, 0).arrange(undefined);
  assert(train.schema);
  return train.schema;
}

let count = 0;

async function run(draft: Draft): Promise<void> {
  const { strategy = "fedavg", transport = "memory", kind = "number", engine = "native" } = draft;
  const { task = "classification", plan = {}, schedule, evaluates } = draft;
  const schema = await schemaFor(kind, task);
  const outputs = numOutputs(schema);
  const model = mlp({
    inputShape: inputShape(schema),
    hiddenUnits: 3,
    task,
    ...(task === "classification" ? { numClasses: outputs } : { outputs }),
  });
  const initial = await initialParameters(model, 1);
  const before = initial.parameters.slice();
  const { modelEvaluator } = await import("../../src/engine/model_evaluator.ts");
  const { train } = await sourceOf(kind, task, 0).arrange(schema);
  await using evaluator = await modelEvaluator(model, train);
  const options = {
    ...{ ...initial, model, schema, plan: { learningRate: 0.05, batchSize: 4, ...plan } },
    ...(schedule && { schedule }),
    ...(evaluates && { evaluator: evaluator.evaluate }),
  };
  const group = { distBackend: transport, logger: silentLogger } as const;
  let toAddress: (address: string) => void = () => {};
  const address = new Promise<string>((resolve) => toAddress = resolve);
  const common = {
    ...group,
    listen: { memory: `pairs ${++count}`, tcp: "127.0.0.1:0", websocket: "ws://127.0.0.1:0/" }[
      transport
    ],
    worldSize: 3,
    onEvent: (event: { type: string; address?: string }) => {
      if (event.type === "listening" && event.address !== undefined) toAddress(event.address);
    },
  };
  const handler = draft.mode === "async"
    ? new AsyncParameterServerHandler({ ...options, strategy: parseAsyncStrategy(strategy) })
    : new SyncParameterServerHandler({ ...options, strategy: parseStrategy(strategy) });
  const server = handler instanceof AsyncParameterServerHandler
    ? new ServerAsyncTop(handler, { ...common, versions: 3 })
    : new ServerSyncTop(handler, { ...common, rounds: 2 });
  const served = server.run();
  const serverAddr = await Promise.race([address, served.then(() => "")]);
  const clients = [0, 1].map(async (site) => {
    await using learner = new ClientSGDHandler({ data: sourceOf(kind, task, site), engine });
    await new ClientFollowingTop(learner, { ...group, serverAddr, rank: site + 1 }).run();
  });
  const [report] = await Promise.all([served, ...clients]);
  assert(handler.parameters.some((value, i) => value !== before[i]), "the model has not changed");
  assert(report.rounds.length > 0);
}

Deno.test("each pair of choices works in a live run", async () => {
  const faults: string[] = [];
  for (const [i, dimension] of DIMENSIONS.entries()) {
    for (const first of dimension) {
      for (const second of DIMENSIONS.slice(i + 1).flat()) {
        const draft = { ...first, ...second, plan: { ...first.plan, ...second.plan } };
        await run(draft).catch((error) => faults.push(`${JSON.stringify(draft)}: ${error}`));
      }
    }
  }
  assertEquals(faults, []);
});

Deno.test("asynchronous strategies go with each setting of training", async () => {
  for (const strategy of ["fedasync", "fedbuff:size=2"]) {
    for (
      const draft of [
        { plan: { optimizer: "adam", learningRate: 0.01 } },
        { plan: { momentum: 0.5, nesterov: true } },
        { plan: { momentum: 0.5, keepMomentum: true } },
        { plan: { proximal: 0.1 } },
        { plan: { classWeights: [1, 2] } },
        { schedule: { name: "cosine", rounds: 3 } },
      ] as const
    ) await run({ strategy, mode: "async", ...draft });
  }
});

Deno.test("a schema of a table is the same at every site", async () => {
  const schema = await schemaFor("category", "classification");
  assertEquals(
    schemaOf([tableOf("t.csv", { x: ["a", "b", "c"], p: [true, false, true] })]).inputs,
    schema.inputs.slice(0, 1),
  );
});
