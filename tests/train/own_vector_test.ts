import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  ClientAsyncTop,
  ClientBackendHandler,
  ClientSyncTop,
  DEFAULT_PLAN,
  Ditto,
  type EvaluateResult,
  FedDyn,
  FedPer,
  type LocalRule,
  Manifest,
  MessageCode,
  type ParameterVector,
  Scaffold,
  ServerAsyncTop,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
  type TrainPlan,
  type TrainResult,
} from "../../mod.ts";
import { Connection, memoryTransport } from "../../src/net/mod.ts";
import { LocalLearner } from "../../src/train/mod.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Minimizes `curvature (w - optimum)² / 2` of each value by ten steps. */
class Quadratic extends ClientBackendHandler {
  readonly numSamples = 1;
  readonly #client: readonly [curvature: number, optimum: number];
  readonly #before: (plan: TrainPlan) => Promise<void> | void;
  readonly #manifest: () => Manifest;
  #w = new Float32Array();
  #built: Manifest | undefined;

  constructor(
    client: readonly [number, number],
    manifest: () => Manifest,
    before: (plan: TrainPlan) => Promise<void> | void = () => {},
  ) {
    super();
    this.#client = client;
    this.#manifest = manifest;
    this.#before = before;
  }

  override setUp(): Promise<void> {
    this.#built = this.#manifest();
    this.#w = new Float32Array(this.#built.length);
    return Promise.resolve();
  }

  get manifest(): Manifest {
    return this.#built ?? this.#manifest();
  }

  get parameters(): ParameterVector {
    return this.#w;
  }

  set parameters(vector: ParameterVector) {
    this.#w.set(vector);
  }

  async train(plan: TrainPlan): Promise<TrainResult> {
    await this.#before(plan);
    const { learningRate, proximal = 0, correction } = plan;
    const [curvature, optimum] = this.#client;
    const start = this.#w.slice();
    for (let step = 0; step < 10; step++) {
      this.#w.forEach((w, i) => {
        const more = proximal * (w - start[i]!) + (correction?.[i] ?? 0);
        this.#w[i] = w - learningRate * (curvature * (w - optimum) + more);
      });
    }
    return { numSamples: 1, steps: 10, loss: 0, metrics: {} };
  }

  evaluate(): Promise<EvaluateResult> {
    return Promise.resolve({ numSamples: 1, loss: this.#w[0] ?? NaN });
  }
}

const CLIENTS = [[1, -4], [2, 1], [1, 3], [4, 2]] as const;
/** Point at which the clients' gradients add up to 0. */
const OPTIMUM = CLIENTS.reduce((sum, [a, b]) => sum + a * b, 0) /
  CLIENTS.reduce((sum, [a]) => sum + a, 0);
const ONE = Manifest.of([{ name: "w", shape: [1] }]);

function serverFor(
  strategy: Strategy,
  { isJudge = true, ...options }: Partial<SyncParameterServerHandlerOptions> & {
    /** Whether the server evaluates. */
    isJudge?: boolean;
  } = {},
): SyncParameterServerHandler {
  const manifest = options.manifest ?? ONE;
  return new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length).fill(20),
    strategy,
    plan: { learningRate: 0.05 },
    ...(isJudge && { evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }) }),
    ...options,
  });
}

let groups = 0;

/** Runs clients in memory that wait for `before` at the start of each training. */
async function run(
  handler: SyncParameterServerHandler,
  options: {
    rounds: number;
    server?: Partial<ServerTopologyOptions>;
    before?: (plan: TrainPlan) => Promise<void> | void;
    onEvent?: (event: ServerEvent) => void;
  },
): Promise<void> {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const listen = `own-${groups++}`;
  const server = new ServerSyncTop(handler, {
    ...group,
    listen,
    worldSize: CLIENTS.length + 1,
    rounds: options.rounds,
    ...options.server,
    ...(options.onEvent && { onEvent: options.onEvent }),
  });
  const clients = CLIENTS.map((client, i) =>
    new ClientSyncTop(new Quadratic(client, () => ONE, options.before), {
      ...group,
      serverAddr: listen,
      rank: i + 1,
    })
  );
  await Promise.all([server.run(), ...clients.map((client) => client.run())]);
}

for (const make of [() => new Scaffold(), () => new FedDyn({ alpha: 0.1 })]) {
  for (const evaluator of ["server", "clients"] as const) {
    Deno.test(`${make().name} reaches the optimum though an update was too late, when the ${evaluator} evaluate`, async () => {
      const handler = serverFor(make(), {
        fraction: 0.75,
        overSelection: 1 / 3,
        isJudge: evaluator === "server",
      });
      const rounds = Array.from({ length: 301 }, () => Promise.withResolvers<void>());
      await run(handler, {
        rounds: 300,
        // Of each round's four updates three are taken: the first client is late at first, then
        // each in its turn.
        before: ({ round, rank }) =>
          rank === (round < 9 ? 1 : 1 + round % 4) ? rounds[round]?.promise : undefined,
        onEvent: (event) => {
          if (event.type === "update-received" && event.received === 3) {
            rounds[event.round]?.resolve();
          }
        },
      });
      assertAlmostEquals(handler.parameters[0] ?? NaN, OPTIMUM, 1e-2);
    });
  }
}

Deno.test("Scaffold reaches the optimum after a round was repeated without a client that had answered", async () => {
  let tries = 0;
  const handler = serverFor(new Scaffold(), {
    selection: {
      name: "all but the first",
      select: ({ round, attempt, available }) =>
        available.filter((rank) => round !== 2 || attempt === 0 || rank !== 1),
    },
  });
  const late = Promise.withResolvers<void>();
  await run(handler, {
    rounds: 300,
    server: { quorum: 0.75, roundTries: 3, timeouts: { roundSeconds: 2 } },
    before: ({ round, rank }) => round === 2 && rank > 2 ? late.promise : undefined,
    onEvent: (event) => {
      if (event.type !== "round-retried") return;
      tries++;
      late.resolve();
    },
  });
  assertEquals(tries, 1);
  assertAlmostEquals(handler.parameters[0] ?? NaN, OPTIMUM, 1e-2);
});

const plan = (round: number) => ({
  ...{ epochs: 1, batchSize: 0, learningRate: 0.1, momentum: 0, weightDecay: 0 },
  ...{ keepMomentum: false, round, rank: 1, seed: 0 },
});

for (
  const strategy of [
    new Scaffold(),
    new FedDyn(),
    new Ditto(),
    new FedPer({ local: ["w"] }),
  ]
) {
  Deno.test(`LocalLearner keeps for ${strategy.name} what the server has taken, back to the update before the last`, async () => {
    const handler = new Quadratic([1, 3], () => ONE);
    await handler.setUp();
    const learner = new LocalLearner(handler);
    const { rule } = strategy.clientSettings!;
    const train = async (round: number, taken: number) => {
      assert(learner.settle(taken));
      const before = learner.own && [...learner.own];
      learner.load(new Float32Array([round]), rule, new Float32Array([0.5]));
      await learner.train(plan(round));
      assertEquals(learner.own && [...learner.own], before, "training does not change it");
      return [...learner.update];
    };
    await train(1, 0);
    assertEquals(learner.own, undefined);
    const second = await train(2, 1), first = [...learner.own!];
    // The server has not taken round 2: its work is done anew, with the same result.
    assertEquals(await train(2, 1), second);
    await train(3, 2);
    const next = [...learner.own!];
    assert(next[0] !== first[0]);
    // It returns to its state before round 2.
    assertEquals(await train(2, 1), second);
    assertEquals([...learner.own!], first);
    assert(!learner.settle(9), "of round 9 nothing is known");
    assert(learner.own, "the nearest counts");
    assert(learner.settle(9), "once said is enough");
    assert(learner.settle(0));
    assertEquals(learner.own, undefined);
  });
}

for (const make of [() => new Scaffold(), () => new Ditto({ lambda: 1 })]) {
  Deno.test(`a client of ${make().name} that joins another run begins it as a new client does`, async () => {
    let manifest = ONE;
    const group = { distBackend: "memory", logger: silentLogger } as const;
    const listen = `own-${groups++}`;
    const clientsOf = () =>
      CLIENTS.map((client, i) =>
        new ClientSyncTop(new Quadratic(client, () => manifest), {
          ...group,
          serverAddr: listen,
          rank: i + 1,
        })
      );
    const federate = async (clients: readonly ClientSyncTop[]) => {
      const handler = serverFor(make(), { manifest, isJudge: false });
      const worldSize = CLIENTS.length + 1;
      const server = new ServerSyncTop(handler, { ...group, listen, worldSize, rounds: 4 });
      const [report] = await Promise.all([server.run(), ...clients.map((client) => client.run())]);
      return report.rounds.map(({ loss }) => loss).concat([...handler.parameters]);
    };
    const clients = clientsOf();
    const first = await federate(clients);
    assertEquals(await federate(clients), first);
    manifest = Manifest.of([{ name: "w", shape: [2] }]);
    const wide = await federate(clients);
    assertEquals(wide.slice(0, -1), first);
  });
}

Deno.test("a client of Ditto that joins another run without rounds begins it as a new client does", async () => {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const listen = `own-${groups++}`;
  const clientOf = () =>
    new ClientAsyncTop(new Quadratic([1, -4], () => ONE), { ...group, serverAddr: listen });
  const federate = async (client: ClientAsyncTop) => {
    const handler = new AsyncParameterServerHandler({
      manifest: ONE,
      parameters: new Float32Array([20]),
      plan: { learningRate: 0.05, rule: { name: "ditto", lambda: 1 } },
    });
    const server = new ServerAsyncTop(handler, { ...group, listen, worldSize: 2, updates: 3 });
    const [{ rounds }] = await Promise.all([server.run(), client.run()]);
    return rounds.map(({ loss }) => loss);
  };
  const client = clientOf();
  const first = await federate(client);
  assertEquals(new Set(first).size, 3);
  assertEquals(await federate(client), first);
});

Deno.test("a server names its last accepted update, and warns of a client that has joined anew", async () => {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
  const { promise: address, resolve } = Promise.withResolvers<string>();
  const running = new ServerSyncTop(serverFor(new Scaffold()), {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: 3,
    logger,
    onEvent: (event) => {
      if (event.type === "listening") resolve(event.address);
    },
  }).run();
  const update = (round: number) => ({
    code: MessageCode.ParameterUpdate,
    payload: { round, numSamples: 1, steps: 1, parameters: new Float32Array(1) },
  });
  const asked: unknown[] = [];
  {
    await using peer = await Peer.connect(await address);
    await peer.join({ rank: 1 });
    for (const round of [1, 2]) {
      asked.push((await peer.until(MessageCode.ParameterUpdate)).taken);
      if (round === 1) await peer.send(update(round));
    }
  }
  assertEquals(warnings.filter((line) => line.includes("anew")), []);
  await using peer = await Peer.connect(await address);
  await peer.join({ rank: 1 });
  for (const round of [2, 3]) {
    asked.push((await peer.until(MessageCode.ParameterUpdate)).taken);
    await peer.send(update(round));
  }
  await peer.send({ code: MessageCode.Exit, payload: await peer.until(MessageCode.Exit) });
  await peer.connection.close();
  await running;
  assertEquals(asked, [0, 1, 1, 2]);
  assertEquals(warnings.filter((line) => line.includes("anew")), [
    "Rank 1 has joined anew: what it had kept for scaffold up to round 1 is lost, and the result is not that of an undisturbed run",
  ]);
});

/**
 * What a client warns of whose server says that its last update was one of round 5, which this
 * client knows nothing of.
 */
async function warningsOf(rule: LocalRule | undefined): Promise<string[]> {
  const manifest = Manifest.of([{ name: "w", shape: [1] }]);
  const listener = await memoryTransport.listen(crypto.randomUUID());
  const warnings: string[] = [];
  const running = new ClientSyncTop(new Quadratic([1, 1], () => manifest), {
    serverAddr: listener.address,
    distBackend: "memory",
    logger: { ...silentLogger, warn: (line) => warnings.push(line) },
  }).run();
  const channel = await listener.accept();
  assert(channel !== null);
  const connection = new Connection(channel);
  const plan = { ...DEFAULT_PLAN, ...(rule && { rule }) };
  await connection.receive();
  await connection.send({
    code: MessageCode.IdAssignment,
    payload: {
      ...{ rank: 1, worldSize: 2, rounds: 9, run: "r", token: "0".repeat(32), seed: 1 },
      ...{ heartbeatSeconds: 5, strategy: "own", plan },
      manifest: manifest.tensors,
      manifestDigest: await manifest.digest(),
    },
  });
  await connection.receive();
  const parameters = new Float32Array(1);
  await connection.send({
    code: MessageCode.ParameterUpdate,
    payload: { round: 6, taken: 5, parameters, ...(rule && { control: parameters }) },
  });
  assertEquals((await connection.receive())?.message?.code, MessageCode.ParameterUpdate);
  await connection.send({ code: MessageCode.Exit, payload: { reason: "over" } });
  await connection.receive();
  await connection.close();
  listener.close();
  await running;
  return warnings;
}

Deno.test("a client warns of lost state if the round's rule keeps any", async () => {
  assertEquals(await warningsOf({ name: "scaffold" }), [
    "What this client kept for scaffold in round 5, the last that the server has of it, is lost: the result is not that of an undisturbed run",
  ]);
  assertEquals(await warningsOf(undefined), []);
});
