/** Every pair of choices works, or is refused in one line by the table of conflicts. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AsyncParameterServerHandler,
  Dataset,
  initialParameters,
  Manifest,
  mlp,
  Simulation,
  SyncParameterServerHandler,
  type TrainSettings,
} from "../../../mod.ts";
import {
  CONFLICTS,
  conflictText,
  findConflict,
} from "../../../src/plan/compatibility/conflicts.ts";
import { taskOf } from "../../../src/round/handler/task.ts";
import { parseCodec } from "../../../src/codec/mod.ts";
import type { Task } from "../../../src/data/schema/schema.ts";
import type { AllowedSettings } from "../../../src/plan/own_settings.ts";
import type { LearningRateSchedule } from "../../../src/plan/schedule.ts";
import { CentralPrivacy, DistributedPrivacy } from "../../../src/privacy/mod.ts";
import { parseSelection } from "../../../src/round/selection/registry.ts";
import {
  type SecureAggregationOptions,
  secureSettings,
} from "../../../src/round/secure/options.ts";
import type { Strategy } from "../../../src/strategy/strategy.ts";
import { checkWithCluster } from "../../../src/cli/run/cluster.ts";
import { clusterPool } from "../../../src/cluster/mod.ts";
import { type ClientPoolOptions, InProcessPool } from "../../../src/sim/mod.ts";
import type { ModelDescription } from "../../../src/train/handler.ts";
import {
  ALL_MINILM_L6_V2,
  lora,
  textEncoder,
} from "../../../src/train/models/encoder/text_encoder.ts";
import { parseStrategy, STRATEGY_NAMES } from "../../../src/strategy/registry.ts";

/** A run to make, from some choices; the rest are defaults. */
interface Draft {
  strategy?: string;
  plan?: Partial<TrainSettings>;
  schedule?: LearningRateSchedule;
  allows?: AllowedSettings;
  overSelection?: number;
  aggregation?: "exact";
  privacy?: "ftrl" | "fedavg" | "distributed";
  clientPrivacy?: "record" | "local";
  selection?: string;
  evaluateClients?: boolean;
  uplink?: string;
  downlink?: string;
  secure?: SecureAggregationOptions;
  task?: Task;
  metric?: string;
  engine?: "native" | "tfjs";
}

const OPTIONS: Readonly<Record<string, string>> = {
  "bulyan": "bulyan:attackers=0",
  "fedper": "fedper:local=hidden/",
  "norm-clipping": "norm-clipping:bound=1",
};

/** Choices by dimension; two of one dimension exclude each other. */
const DIMENSIONS: Readonly<Record<string, readonly Draft[]>> = {
  strategy: [
    ...STRATEGY_NAMES.map((name) => ({ strategy: OPTIONS[name] ?? name })),
    { strategy: "fedsgd:learningRate=0.05" },
    { strategy: "qfedavg:learningRate=0.1" },
  ],
  optimizer: [
    { plan: { optimizer: "adam" } },
    { plan: { momentum: 0.5 } },
    { plan: { momentum: 0.5, nesterov: true } },
    { plan: { nesterov: true, momentum: 0 } },
    { plan: { optimizer: "adam", momentum: 0.5 } },
    { plan: { momentum: 0.5, keepMomentum: true } },
  ],
  decay: [{ plan: { weightDecay: 0.01 } }],
  proximal: [{ plan: { proximal: 0.1 } }, { plan: { proximal: 15 } }, {
    plan: { proximal: 0.1, momentum: 0.5 },
  }],
  weights: [{ plan: { classWeights: [1, 2, 3] } }],
  schedule: [{ schedule: { name: "cosine", rounds: 2 } }, {
    schedule: { name: "exponential", decay: 0.5, warmup: 1 },
  }],
  own: [{ allows: { epochs: { least: 1, most: 3 } } }],
  over: [{ overSelection: 0.5 }],
  aggregation: [{ aggregation: "exact" }],
  privacy: [{ privacy: "ftrl" }, { privacy: "fedavg" }, {
    privacy: "distributed",
    secure: { minMembers: 3 },
  }],
  clientPrivacy: [{ clientPrivacy: "record" }, { clientPrivacy: "local" }],
  selection: [{ selection: "samples" }, { selection: "round-robin" }],
  evaluation: [{ evaluateClients: true }],
  uplink: [{ uplink: "eden:bits=1" }, { uplink: "int8" }],
  downlink: [{ downlink: "int8" }, { downlink: "delta" }],
  secure: [{ secure: { minMembers: 3 } }],
  task: [{ task: "regression" }, { task: "multi-label" }, { task: "classification" }],
  monitor: [{ metric: "accuracy" }, { metric: "rmse" }, { metric: "loss" }],
  engine: [{ engine: "tfjs" }, { engine: "native" }],
};

const ROWS = 36;
const features = Float32Array.from({ length: ROWS * 4 }, (_, i) => Math.sin(i * i));
const PARTS = Array.from(
  { length: 6 },
  (_, part) => Array.from({ length: ROWS / 6 }, (_, i) => i * 6 + part),
);

function dataOf(task: Task): Dataset {
  const common = { features, shape: [4] };
  const value = (i: number) => features[i * 4] ?? 0;
  switch (task) {
    case "classification":
      return new Dataset(features, Int32Array.from({ length: ROWS }, (_, i) => i % 3), [4], 3);
    case "multi-label":
      return Dataset.of({
        ...common,
        task,
        outputs: 2,
        targets: Float32Array.from({ length: ROWS * 2 }, (_, i) => value(i >> 1) > 0 ? 1 : 0),
      });
    case "regression":
      return Dataset.of({
        ...common,
        task,
        outputs: 1,
        targets: Float32Array.from({ length: ROWS }, (_, i) => value(i) + 1),
      });
  }
}

/** Merges two drafts. */
function merged(a: Draft, b: Draft): Draft {
  return { ...a, ...b, plan: { ...a.plan, ...b.plan } };
}

/** Makes the strategy of a draft. */
function strategyOf({ strategy = "fedavg", privacy }: Draft): Strategy {
  const then = parseStrategy(strategy);
  if (privacy === undefined) return then;
  const clients = PARTS.length;
  if (privacy === "distributed") {
    const plan = { rounds: 2, clients, cohort: clients, threshold: 3, then };
    return new DistributedPrivacy({ noise: 0.5, delta: 1e-3, ...plan });
  }
  return new CentralPrivacy({
    ...{ mechanism: privacy, noise: 0.5, delta: 1e-3, rounds: 2 },
    ...{ clients, cohort: clients, then },
  });
}

/** Makes the run of a draft and runs two rounds of it. Returns the choices it was checked for. */
async function run(draft: Draft): Promise<{ moved: boolean }> {
  const { task = "classification", engine = "native", metric } = draft;
  const data = dataOf(task);
  const model = mlp({
    inputShape: [4],
    hiddenUnits: 3,
    task,
    ...(task === "classification" ? { numClasses: 3 } : { outputs: task === "regression" ? 1 : 2 }),
  });
  const initial = await initialParameters(model, 1);
  const before = initial.parameters.slice();
  const { schedule, allows, overSelection, aggregation, plan, uplink, downlink, secure } = draft;
  const handler = new SyncParameterServerHandler({
    ...initial,
    model,
    strategy: strategyOf(draft),
    ...(draft.selection !== undefined && { selection: parseSelection(draft.selection) }),
    plan: {
      ...{ learningRate: 0.1, batchSize: 4 },
      ...plan,
      // A weight for each output.
      ...(plan?.classWeights && task === "multi-label" && { classWeights: [1, 2] }),
    },
    ...(schedule && { schedule }),
    ...(allows && { allows }),
    ...(overSelection !== undefined && { overSelection }),
    ...(aggregation && { aggregation }),
    ...(uplink && { uplink: parseCodec(uplink) }),
    ...(downlink && { downlink: parseCodec(downlink) }),
    ...(secure && { secureAggregation: secure }),
  });
  await new Simulation(handler, {
    train: data,
    test: data,
    parts: PARTS,
    rounds: 2,
    evaluateClients: draft.evaluateClients ?? false,
    pool: InProcessPool.start,
    engine,
    ...(draft.clientPrivacy && {
      clientPrivacy: { kind: draft.clientPrivacy, noise: 0.5, delta: 1e-3, clip: 1 },
    }),
    ...(metric !== undefined && { stopping: { monitor: metric, patience: 5 } }),
  }).run();
  return { moved: handler.parameters.some((value, i) => value !== before[i]) };
}

/** The conflict that the table has for a draft. */
function expected(draft: Draft) {
  const { plan, schedule, allows, overSelection, task, metric } = draft;
  const { aggregation, selection, evaluateClients, uplink, downlink, secure } = draft;
  const made = strategyOf(draft);
  const { defaults, ...settings } = made.clientSettings ?? {};
  return findConflict({
    plan: {
      ...{ learningRate: 0.1, ...defaults, ...plan, ...settings },
      ...(secure && { secure: secureSettings(secure, made.privacy?.members?.()) }),
    },
    strategy: made,
    isSimulated: true,
    task: task ?? "classification",
    ...(schedule && { schedule }),
    ...(allows && { allows }),
    ...(overSelection !== undefined && { overSelection }),
    ...(aggregation && { aggregation }),
    ...(uplink && { uplink }),
    ...(downlink && { downlink }),
    ...(metric !== undefined && { monitored: [metric] }),
    ...(selection !== undefined && { selection: parseSelection(selection) }),
    ...(evaluateClients && { evaluatesClients: true }),
    ...(draft.engine && { engine: draft.engine }),
    ...(draft.clientPrivacy && {
      ownPrivacy: draft.clientPrivacy === "record" ? "dp-sgd" : "local",
    }),
  });
}

const NO_MODEL = mlp({ inputShape: [4], numClasses: 3 });

const seen = new Set<string>();
const faults: string[] = [];

async function check(draft: Draft): Promise<void> {
  const conflict = expected(draft);
  const label = JSON.stringify(draft);
  let error: unknown;
  let moved = false;
  try {
    ({ moved } = await run(draft));
  } catch (thrown) {
    error = thrown;
  }
  if (conflict === undefined) {
    if (error !== undefined) faults.push(`${label}: ${error}`);
    else if (!moved) faults.push(`${label}: the model has not changed`);
    return;
  }
  const found = CONFLICTS.filter((row) => `${error}`.includes(conflictText(row)));
  if (!(error instanceof RangeError) || found.length === 0 || error.message.includes("\n")) {
    faults.push(`${label}: expected a refusal for ${conflictText(conflict)}, got ${error}`);
  }
  for (const row of found) seen.add(conflictText(row));
}

/** Simulations have no asynchronous mode: its rows are met by a handler alone. */
async function refuseAsynchronous(): Promise<void> {
  const model = mlp({ inputShape: [4], numClasses: 3 });
  const options = { ...await initialParameters(model, 1), model };
  const cases = [
    [{ aggregation: "exact" }, { aggregation: "exact" }],
    [{ secureAggregation: {} }, { plan: { secure: secureSettings({}) } }],
  ] as const;
  for (const [given, choices] of cases) {
    const conflict = findConflict({ mode: "async", ...choices });
    const text = conflict && conflictText(conflict);
    assertThrows(
      () => new AsyncParameterServerHandler({ ...options, ...given }),
      RangeError,
      text,
    );
    if (text !== undefined) seen.add(text);
  }
}

/** Pools of clusters refuse what machines cannot do, before they connect. */
async function refuseCluster(): Promise<void> {
  const pool = clusterPool({ url: "nats://127.0.0.1:1" }), train = dataOf("classification");
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(NO_MODEL, 1),
    model: NO_MODEL,
  });
  const make = () => Promise.reject(new Error("No handler is made"));
  const simulation = new Simulation(handler, { clients: 2, rounds: 1, pool, handler: make });
  const base = { format: "text-encoder" } as unknown as ModelDescription;
  const sample: ClientPoolOptions = {
    ...{ workers: 1, manifest: handler.manifest, keepsOwn: false, hasControl: false, counts: 0 },
    ...{ model: base, handler: undefined, train, test: undefined, parts: PARTS },
    ...{ testParts: undefined, engine: "auto", backend: "auto", build: "simd128" },
  };
  const cases = [
    [() => simulation.run(), { hasFunction: true }],
    [() => pool(sample), { hasBase: true }],
    [() => checkWithCluster({ url: "nats://h" }, { workers: 2 }), { workers: 2 }],
  ] as const;
  for (const [begin, choice] of cases) {
    const conflict = findConflict({ isClustered: true, ...choice });
    const text = conflict && conflictText(conflict);
    await assertRejects(async () => void await begin(), Error, text);
    if (text !== undefined) seen.add(text);
  }
}

/** The models of the pairs have no moving statistics: that row is met by a model alone. */
function refuseStatistics(): void {
  const manifest = Manifest.of([
    { name: "norm/gamma", shape: [2] },
    { name: "norm/moving_variance", shape: [2], trainable: false },
  ]);
  const parameters = new Float32Array(4);
  for (const privacy of ["ftrl", "distributed"] as const) {
    const strategy = strategyOf({ privacy });
    const conflict = findConflict({ strategy, hasUntrained: true });
    const text = conflict && conflictText(conflict);
    const secureAggregation = privacy === "distributed" ? { minMembers: 3 } : undefined;
    const options = {
      manifest,
      parameters,
      strategy,
      ...(secureAggregation && { secureAggregation }),
    };
    assertThrows(() => new SyncParameterServerHandler(options), RangeError, text);
    if (text !== undefined) seen.add(text);
  }
  const handler = new SyncParameterServerHandler({ manifest, parameters, model: NO_MODEL });
  for (const kind of ["record", "local"] as const) {
    const ownPrivacy = kind === "record" ? "dp-sgd" : "local";
    const conflict = findConflict({ ownPrivacy, hasUntrained: true });
    const text = conflict && conflictText(conflict), data = dataOf("classification");
    const clientPrivacy = { kind, noise: 1, delta: 1e-3, clip: 1 };
    const options = { train: data, test: data, parts: PARTS, rounds: 1, clientPrivacy };
    assertThrows(() => new Simulation(handler, options), RangeError, text);
    if (text !== undefined) seen.add(text);
  }
}

/** The models of the pairs have no adapters: those rows are met by a handler alone. */
async function refuseTurns(): Promise<void> {
  const model = textEncoder({
    ...ALL_MINILM_L6_V2,
    numClasses: 2,
    adapters: lora({ layers: 1, rank: 1, train: "alternate" }),
  });
  const options = { ...await initialParameters(model, 1), model };
  const cases = [
    ...["fedsgd", "scaffold", "feddyn", "fedavgm", "fedadam", "flex"].map((name) => {
      const strategy = parseStrategy(name), plan = { ...strategy.clientSettings };
      const make = () => new SyncParameterServerHandler({ ...options, strategy });
      return [make, { strategy, plan }] as const;
    }),
    [() => new AsyncParameterServerHandler(options), { mode: "async" }] as const,
  ];
  for (const [make, choices] of cases) {
    const conflict = findConflict({ takesTurns: true, ...choices });
    const text = conflict && conflictText(conflict);
    assertThrows(make, RangeError, text);
    if (text !== undefined) seen.add(text);
  }
  new SyncParameterServerHandler({ ...options, strategy: parseStrategy("median") });
}

Deno.test("each pair of choices works, or is refused by the table of conflicts", async () => {
  const dimensions = Object.values(DIMENSIONS);
  for (const [i, dimension] of dimensions.entries()) {
    for (const first of dimension) {
      await check(first);
      for (const other of dimensions.slice(i + 1)) {
        for (const second of other) await check(merged(first, second));
      }
    }
  }
  await refuseAsynchronous();
  await refuseCluster();
  refuseStatistics();
  await refuseTurns();
  assertEquals(faults, []);
  const unseen = CONFLICTS.map(conflictText).filter((text) => !seen.has(text));
  assertEquals(unseen, [], "rows of the table that no pair meets");
});

Deno.test("the task of a model follows from its loss where there is no schema", () => {
  const model = mlp({ inputShape: [2], task: "regression", outputs: 1 });
  assertEquals(taskOf({ schema: undefined, model }), "regression");
  assertEquals(taskOf({ schema: undefined, model: undefined }), undefined);
});

Deno.test("no refusal has a comma before its colon", () => {
  for (const conflict of CONFLICTS) assertEquals(conflictText(conflict).includes(",:"), false);
});
