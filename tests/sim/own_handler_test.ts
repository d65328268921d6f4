import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  type ClientUpdate,
  type DistBackend,
  FedAvg,
  Manifest,
  NativeSGDHandler,
  type ParameterVector,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  Simulation,
  type SimulationOptions,
  type StrategyRound,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { InProcessPool, WorkerPool } from "../../src/sim/mod.ts";
import { spawn } from "../../src/worker/mod.ts";
import { MANIFEST, OwnHandler } from "../fixtures/own_client.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MODULE = new URL("../fixtures/own_client.ts", import.meta.url);
const CLIENTS = 5;
const ROUNDS = 5;

/** Mean that weights each update by a metric of its client, and keeps the metrics it was given. */
class TrustedMean extends FedAvg {
  readonly metrics: unknown[] = [];

  override begin(global: ParameterVector): StrategyRound {
    const round = super.begin(global);
    return {
      accept: (update: ClientUpdate) => {
        const { metrics = {}, rank } = update;
        this.metrics.push([rank, update.loss, update.steps, metrics]);
        round.accept({ ...update, numSamples: metrics.trust ?? NaN });
      },
      finish: () => round.finish(),
    };
  }
}

interface Run {
  readonly report: RunReport;
  readonly metrics: readonly unknown[];
  readonly reasons: readonly string[];
}

function serverHandler(strategy = new TrustedMean()): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    strategy,
    plan: { epochs: 2 },
    fraction: 0.8,
    seed: 2,
  });
}

async function simulate(options: Partial<SimulationOptions>): Promise<Run> {
  const strategy = new TrustedMean();
  const simulation = new Simulation(serverHandler(strategy), {
    clients: CLIENTS,
    rounds: ROUNDS,
    workers: 2,
    ...options,
  });
  const report = await simulation.run();
  return { report, metrics: strategy.metrics, reasons: reasonsOf(report) };
}

/** The same run with a server and real clients. */
async function federate(distBackend: DistBackend & string, listen: string): Promise<Run> {
  const strategy = new TrustedMean();
  const clients: Promise<boolean>[] = [];
  const common = { distBackend, logger: silentLogger };
  const join = (event: ServerEvent) => {
    if (event.type !== "listening") return;
    for (let rank = 1; rank <= CLIENTS; rank++) {
      const options = { serverAddr: event.address, rank };
      if (distBackend === "memory") {
        const client = new ClientSyncTop(new OwnHandler(rank), { ...common, ...options });
        clients.push(hasFailed(client.run()));
        continue;
      }
      const log = { loggerFile: "", log: { console: false } };
      const client = spawn<unknown, void>(MODULE, { ...options, ...log });
      client.start();
      clients.push(hasFailed(client.join()));
    }
  };
  const server = new ServerSyncTop(serverHandler(strategy), {
    ...common,
    listen,
    worldSize: CLIENTS + 1,
    rounds: ROUNDS,
    onEvent: join,
  });
  const report = await server.run();
  assertEquals(await Promise.all(clients), [false, false, false, false, true]);
  return { report, metrics: strategy.metrics, reasons: [] };
}

function hasFailed(run: Promise<void>): Promise<boolean> {
  return run.then(() => false, () => true);
}

function reasonsOf({ rounds }: RunReport): string[] {
  return rounds.flatMap(({ losses }) => losses.map(({ rank, reason }) => `${rank}: ${reason}`));
}

/** The parts of a report that a run determines. */
function determinedOf({ modelDigest, rounds, final }: RunReport): unknown {
  return {
    modelDigest,
    final,
    rounds: rounds.map(({ seconds: _s, bytesUp: _u, bytesDown: _d, losses, ...round }) => ({
      ...round,
      losses: losses.map(({ rank }) => rank),
    })),
  };
}

Deno.test("Simulation of a module's handler gives the model, metrics and report of real clients", async () => {
  const virtual = await simulate({ handler: MODULE });
  assert(virtual.metrics.length > 15);
  assertEquals(virtual.reasons, ["5: Cannot read the points"]);
  const names = virtual.metrics.map((entry) => Object.keys((entry as [0, 0, 0, object])[3]));
  for (const found of names) assertEquals(found, ["größe of points", "trust", ""]);
  const runs = [
    await federate("tcp", "127.0.0.1:0"),
    await federate("memory", "own-handler"),
    await simulate({ handler: MODULE.href, workers: 1 }),
    await simulate({ handler: ({ rank = 0 }) => new OwnHandler(rank) }),
  ];
  // The report has the metrics of each client, and their means by samples.
  for (
    const { received, trainByRank = [], clients, metrics, trainMetrics } of virtual.report.rounds
  ) {
    assertEquals(trainByRank.length, received);
    const mean = (
      results: readonly { samples: number; metrics?: Readonly<Record<string, number>> }[],
      name: string,
    ) => {
      const known = results.filter(({ metrics }) => metrics?.[name] !== undefined);
      const total = known.reduce((sum, { samples }) => sum + samples, 0);
      return known.reduce(
        (sum, { samples, metrics }) => sum + samples * (metrics?.[name] ?? NaN),
        0,
      ) / total;
    };
    const { byRank = [] } = clients ?? {};
    assert(byRank.some(({ metrics }) => metrics?.odd === undefined));
    for (const name of ["r 2", "odd"]) {
      assertAlmostEquals(metrics?.[name] ?? NaN, mean(byRank, name), 1e-12);
    }
    assertAlmostEquals(trainMetrics?.trust ?? NaN, mean(trainByRank, "trust"), 1e-12);
    assertEquals(Object.keys(metrics ?? {}), ["r 2", "odd"]);
    assertEquals(Object.keys(trainMetrics ?? {}), ["größe of points", "trust", ""]);
  }
  for (const { report, metrics } of runs) {
    assertEquals(determinedOf(report), determinedOf(virtual.report));
    assertEquals(metrics, virtual.metrics);
  }
});

Deno.test("Simulation of a module of the examples gives the model of the real clients", async () => {
  const module = new URL("../../examples/own_handler/client.ts", import.meta.url);
  const manifest = Manifest.of([{ name: "slopes", shape: [2] }, { name: "intercept", shape: [1] }]);
  const handler = () =>
    new SyncParameterServerHandler({
      manifest,
      parameters: new Float32Array(manifest.length),
      plan: { epochs: 5, learningRate: 0.05 },
    });
  const virtual = handler();
  await new Simulation(virtual, { handler: module, clients: 2, rounds: 10, workers: 2 }).run();
  assertEquals(Array.from(virtual.parameters, (x) => x.toFixed(1)), ["3.0", "-2.0", "1.0"]);
  const real = handler();
  const clients: Promise<void>[] = [];
  const server = new ServerSyncTop(real, {
    listen: "127.0.0.1:0",
    logger: silentLogger,
    worldSize: 3,
    rounds: 10,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      for (const rank of [1, 2]) {
        const log = { loggerFile: "", log: { console: false } };
        const client = spawn<unknown, void>(module, { serverAddr: event.address, rank, ...log });
        client.start();
        clients.push(client.join());
      }
    },
  });
  await server.run();
  await Promise.all(clients);
  assertEquals([...virtual.parameters], [...real.parameters]);
});

Deno.test("Simulation gives the data of its clients to the handlers", async () => {
  const { poolOptions } = await import("../../src/testing/pool/samples.ts");
  const { options: { manifest, model, train, test, parts }, parameters } = await poolOptions();
  assert(model && train && test);
  const digestOf = async (options: Partial<SimulationOptions>) => {
    const handler = new SyncParameterServerHandler({
      manifest,
      parameters: parameters.slice(),
      model,
      fraction: 0.5,
    });
    const all = { train, test, parts, rounds: 3, workers: 2, ...options };
    const { modelDigest, final } = await new Simulation(handler, all).run();
    return { modelDigest, final };
  };
  const expected = await digestOf({});
  assertEquals(await digestOf({ pool: InProcessPool.start }), expected);
  const own = await digestOf({
    handler: ({ data, rows }) => {
      assert(data && rows);
      return new NativeSGDHandler({ data, rows });
    },
  });
  assertEquals(own, expected);
});

Deno.test("Simulation refuses the update of a handler as a server does", async () => {
  const long = "n".repeat(65);
  const cases: [metrics: Record<string, number>, reason: RegExp][] = [
    [{ [long]: 1 }, /field metrics\.n{65} expected <=64, got 65/],
    [
      Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`name ${i}`, i / 7])),
      /expected at most 65536 bytes of fields, got \d+/,
    ],
  ];
  for (const [metrics, reason] of cases) {
    class Talkative extends OwnHandler {
      override async train(...args: Parameters<OwnHandler["train"]>) {
        return { ...await super.train(...args), metrics: { trust: 1, ...metrics } };
      }
    }
    const make = ({ rank = 0 }) => rank === 2 ? new Talkative(rank) : new OwnHandler(rank);
    const { report, reasons } = await simulate({ handler: make });
    assertEquals(reasons.length, 2);
    assert(reasons.some((text) => text.startsWith("2: ") && reason.test(text)), reasons.join());
    assertEquals(report.rounds.length, ROUNDS);
  }
});

Deno.test("Simulation refuses handlers that cannot take part, in words", async () => {
  const run = (options: Partial<SimulationOptions>) => () => simulate(options);
  const wrong = Manifest.of([{ name: "other", shape: [4] }]);
  class Other extends OwnHandler {
    override readonly manifest = wrong;
  }
  class Shrinking extends OwnHandler {
    override async train(...args: Parameters<OwnHandler["train"]>) {
      const result = await super.train(...args);
      this.parameters = this.parameters.slice(1);
      return result;
    }
  }
  const cases: [options: Partial<SimulationOptions>, type: typeof Error, message: string][] = [
    [{ handler: () => new Other(1) }, Error, "rank 1: expected a model with the server's manifest"],
    [
      {
        handler: ({ rank = 0 }) => {
          if (rank === 3) throw new Error("No points for rank 3");
          return new OwnHandler(rank);
        },
      },
      Error,
      "Cannot simulate the client of rank 3: No points for rank 3",
    ],
    [{ handler: ({ rank = 0 }) => new Shrinking(rank) }, Error, "expected 4 values, got 3"],
    [{ handler: () => new OwnHandler(1), pool: WorkerPool.start }, TypeError, "got a function"],
    [{ handler: MODULE, pool: InProcessPool.start }, TypeError, "got the module file:"],
    [
      { handler: new URL("../fixtures/undefined_client.ts", import.meta.url) },
      Error,
      "expected a module that calls defineClient(), got file:",
    ],
    [
      { handler: new URL("../fixtures/undefined_worker.ts", import.meta.url) },
      Error,
      "undefined_worker.ts): it called neither defineWorker() nor defineClient()",
    ],
    [
      { handler: new URL("../fixtures/throwing_module.ts", import.meta.url) },
      Error,
      "throwing_module.ts): this module throws",
    ],
  ];
  for (const [options, type, message] of cases) await assertRejects(run(options), type, message);
  const handler = serverHandler();
  const rest = { rounds: 1, clients: 2 };
  assertThrows(
    () => new Simulation(handler, { ...rest, handler: "./x.ts" }),
    TypeError,
    "absolute",
  );
  assertThrows(() => new Simulation(handler, rest), TypeError, "no description of its model");
  assertThrows(
    () => new Simulation(handler, { rounds: 1, handler: MODULE }),
    RangeError,
    "a number of clients from 1, got 0",
  );
});
