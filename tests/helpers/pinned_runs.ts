import {
  ClientSyncTop,
  type Dataset,
  digits,
  modelByName,
  NativeSGDHandler,
  parseStrategy,
  partition,
  ServerSyncTop,
  silentLogger,
  Simulation,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
  type TrainSettings,
} from "../../mod.ts";
import { useKernelBuild } from "../../src/params/mod.ts";
import { ClientSGDHandler, initialParameters } from "../../mod.ts";

const CLIENTS = 8, ROUNDS = 3;

/** One run: what is particular to it, and by what it is run. */
export interface PinnedRun {
  readonly strategy?: string;
  readonly plan?: Partial<TrainSettings>;
  readonly model?: "mlp" | "cnn" | "lr";
  /** Initial weights of the model. */
  readonly init?: "zeros" | "glorot";
  readonly by?: "simulation" | "tcp" | "websocket" | "memory";
  readonly engine?: "native" | "tfjs";
  readonly handler?: Partial<SyncParameterServerHandlerOptions>;
}

/** Runs whose models stay the same bit for bit from one version to the next, by name. */
export const PINNED_RUNS: Readonly<Record<string, PinnedRun>> = {
  ...Object.fromEntries(
    [
      ...["fedavg", "fedavgm", "fedadagrad", "fedadam", "fedyogi", "fednova", "qfedavg", "fedsgd"],
      ...["fedprox", "scaffold", "feddyn", "ditto", "fedper:local=logits", "median"],
      ...["trimmed-mean:attackers=1", "geometric-median", "krum:attackers=1"],
      ...["multi-krum:attackers=1", "bulyan:attackers=1", "norm-clipping:bound=1"],
    ].map((strategy) => [strategy, { strategy }]),
  ),
  "fedavg over tcp": { by: "tcp" },
  "fedavg over websocket": { by: "websocket" },
  "scaffold in memory": { strategy: "scaffold", by: "memory" },
  "fedadam over tcp": { strategy: "fedadam", by: "tcp" },
  "adam, of a fraction": {
    plan: { optimizer: "adam", learningRate: 0.01 },
    handler: { fraction: 0.5 },
  },
  "nesterov with weight decay": {
    plan: { momentum: 0.9, nesterov: true, weightDecay: 1e-3 },
  },
  "a cnn": { model: "cnn" },
  "fedavg on tfjs, in memory": { engine: "tfjs", by: "memory" },
  "logistic regression from random weights": { model: "lr", init: "glorot" },
  "logistic regression from random weights on tfjs, in memory": {
    ...{ model: "lr", init: "glorot", engine: "tfjs", by: "memory" },
  },
  "logistic regression": { model: "lr" },
};

/** The digest of a run's final model, by kernels that round alike everywhere. */
export async function digestOf(
  {
    strategy = "fedavg",
    plan = {},
    model: name = "mlp",
    init,
    by = "simulation",
    engine = "native",
    handler: more,
  }: PinnedRun,
): Promise<string> {
  useKernelBuild("simd128");
  try {
    const all = await digits();
    const train: Dataset = all.select(Array.from({ length: 320 }, (_, i) => i));
    const shape = { inputShape: train.shape, numClasses: train.numClasses };
    const model = modelByName(name, {
      ...shape,
      ...(name === "mlp" && { hiddenUnits: 12 }),
      ...(init && { init }),
    });
    const parts = [...partition("dirichlet:1", train, { parts: CLIENTS, seed: 3 })];
    const handler = new SyncParameterServerHandler({
      ...await initialParameters(model, 3),
      model,
      strategy: parseStrategy(strategy),
      plan: { epochs: 1, batchSize: 16, learningRate: 0.05, ...plan },
      seed: 3,
      ...more,
    });
    if (by === "simulation") {
      const simulation = new Simulation(handler, {
        train,
        test: train,
        parts,
        rounds: ROUNDS,
        workers: 2,
      });
      return (await simulation.run()).modelDigest;
    }
    const group = { distBackend: by, logger: silentLogger };
    let clients: Promise<void>[] = [];
    const server = new ServerSyncTop(handler, {
      ...group,
      listen: {
        tcp: "127.0.0.1:0",
        websocket: "ws://127.0.0.1:0/pinned",
        memory: `pinned-${strategy}`,
      }[by],
      worldSize: CLIENTS + 1,
      rounds: ROUNDS,
      onEvent: (event) => {
        if (event.type !== "listening") return;
        clients = parts.map((rows, i) => {
          const learner = engine === "native"
            ? new NativeSGDHandler({ data: train, rows })
            : new ClientSGDHandler({ data: train.select(rows), engine: "tfjs", backend: "cpu" });
          return new ClientSyncTop(learner, { ...group, serverAddr: event.address, rank: i + 1 })
            .run();
        });
      },
    });
    const { modelDigest } = await server.run();
    await Promise.all(clients);
    return modelDigest;
  } finally {
    useKernelBuild("auto");
  }
}

// deno run -A tests/helpers/pinned_runs.ts prints the digests of this version.
if (import.meta.main) {
  for (const [name, run] of Object.entries(PINNED_RUNS)) {
    console.log(`  ${JSON.stringify(name)}: "${await digestOf(run)}",`);
  }
}
