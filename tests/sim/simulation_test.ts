import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  type Checkpoint,
  CheckpointStore,
  ClientSyncTop,
  Dataset,
  DeadlineError,
  digits,
  holdOut,
  mlp,
  type ModelDescription,
  NativeSGDHandler,
  parseSelection,
  parseStrategy,
  partitionDirichlet,
  ProtocolError,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
  type TrainSettings,
} from "../../mod.ts";
import { inFolder } from "../helpers/command.ts";
import { ClientStates } from "../../src/sim/client_states.ts";
import { initialParameters } from "../../mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MODEL: ModelDescription = mlp({ inputShape: [8, 8, 1], numClasses: 10, hiddenUnits: 12 });
const PARTS = 6;

async function handlerFor(
  strategy: string,
  plan: Partial<TrainSettings> = {},
  { selection = "uniform", fraction = 0.7 } = {},
): Promise<SyncParameterServerHandler> {
  return new SyncParameterServerHandler({
    ...await initialParameters(MODEL, 5),
    model: MODEL,
    strategy: parseStrategy(strategy),
    plan: { learningRate: 0.05, ...plan },
    selection: parseSelection(selection),
    fraction,
    seed: 5,
  });
}

/** Copies a client's vector out of a store; false when there is none. */
function copied(store: ClientStates, rank: number, into: Float32Array): boolean {
  const vector = store.read(rank);
  if (vector) into.set(vector);
  return vector !== undefined;
}

/** Data of which those of the clients of the given ranks are beyond what can be learned from. */
async function dealt(
  broken: readonly number[] = [],
): Promise<{ train: Dataset; test: Dataset; parts: Uint32Array[] }> {
  const all = await digits();
  const rows = Array.from({ length: 600 }, (_, i) => i);
  const train = all.select(rows), test = all.select(rows.map((row) => row + 600));
  const parts = partitionDirichlet(train, PARTS, { alpha: 1, seed: 5 });
  for (const row of broken.flatMap((rank) => [...parts[rank - 1] ?? []])) {
    train.features.fill(1e30, row * 64, (row + 1) * 64);
  }
  return { train, test, parts: [...parts] };
}

async function simulate(
  strategy: string,
  options: Partial<SimulationOptions> = {},
): Promise<RunReport> {
  const handler = await handlerFor(strategy);
  return await new Simulation(handler, { ...await dealt(), rounds: 4, ...options }).run();
}

/** A simulation whose clients evaluate, each on its own data. */
async function simulateWithoutTest(strategy: string): Promise<RunReport> {
  const { train, parts } = await dealt();
  const options = { train, parts, rounds: 4, workers: 1 };
  return await new Simulation(await handlerFor(strategy), options).run();
}

/** The same run with a server and clients that talk to each other. */
async function federate(
  strategy: string,
  distBackend: "tcp" | "memory",
  handler?: SyncParameterServerHandler,
  { broken = [], clients: given, server: limits }: {
    broken?: readonly number[];
    server?: { rounds: number; quorum: number; roundTries: number };
    clients?: { rows: Uint32Array[]; testRows: Uint32Array[] };
  } = {},
): Promise<RunReport> {
  const { train, parts } = await dealt(broken);
  const group = { distBackend, logger: silentLogger };
  const clients: Promise<number | void>[] = [];
  const server = new ServerSyncTop(handler ?? await handlerFor(strategy), {
    ...group,
    listen: distBackend === "tcp" ? "127.0.0.1:0" : `simulation-${strategy}`,
    worldSize: PARTS + 1,
    rounds: 4,
    ...limits,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      for (const [i, rows] of (given?.rows ?? parts).entries()) {
        const testRows = given?.testRows[i];
        const handler = new NativeSGDHandler({
          data: train,
          rows,
          ...(testRows && { testRows }),
        });
        const options = { ...group, serverAddr: event.address, rank: i + 1 };
        clients.push(new ClientSyncTop(handler, options).run().catch(() => i + 1));
      }
    },
  });
  const report = await server.run().catch(async (error) => {
    await Promise.all(clients);
    throw error;
  });
  const failed = (await Promise.all(clients)).filter((rank) => rank !== undefined);
  assertEquals(failed, []);
  return report;
}

for (
  const [strategy, transport] of [
    ["fedavg", "tcp"],
    ["fedadam:lr=0.05", "memory"],
    ["scaffold", "tcp"],
    ["feddyn:alpha=0.1", "memory"],
    ["qfedavg:q=1,lr=0.05", "memory"],
    ["fedsgd:lr=0.5", "memory"],
    ["ditto", "memory"],
    ["fedper:local=logits/", "memory"],
  ] as const
) {
  Deno.test(`Simulation makes the model that a run of ${strategy} over ${transport} makes, bit for bit`, async () => {
    const [virtual, real] = [
      await simulate(strategy, { workers: 2 }),
      await federate(strategy, transport),
    ];
    assertEquals(virtual.modelDigest, real.modelDigest);
    assertEquals(
      virtual.rounds.map(({ cohort, received }) => [cohort, received]),
      real.rounds.map(({ cohort, received }) => [cohort, received]),
    );
    // Over the wire the clients evaluate, here the test data are used.
    const again = await simulateWithoutTest(strategy);
    assertEquals(again.modelDigest, real.modelDigest);
    again.rounds.forEach(({ loss = NaN, accuracy }, i) => {
      assert(Math.abs(loss - (real.rounds[i]?.loss ?? NaN)) < 1e-6);
      assertEquals(accuracy, real.rounds[i]?.accuracy);
      // On the wire a figure is a float32.
      for (const [name, value] of Object.entries(again.rounds[i]?.clients?.accuracy ?? {})) {
        assertAlmostEquals(Object(real.rounds[i]?.clients?.accuracy)[name], value, 1e-6, name);
      }
    });
  });
}

for (
  const strategy of [
    "fedprox:mu=0",
    "fedavgm:momentum=0,lr=1",
    "fednova",
    "qfedavg:q=0",
    "norm-clipping:bound=1e9",
  ]
) {
  Deno.test(`Simulation of ${strategy} with equal clients makes FedAvg's model, bit for bit`, async () => {
    const { train, test } = await dealt();
    const parts = Array.from(
      { length: PARTS },
      (_, part) => Array.from({ length: 50 }, (_, i) => part + i * PARTS),
    );
    const [one, other] = await Promise.all(["fedavg", strategy].map(async (name) => {
      const options = { train, test, parts, rounds: 3 };
      return (await new Simulation(await handlerFor(name), options).run()).modelDigest;
    }));
    assertEquals(one, other);
  });
}

for (const selection of ["samples", "round-robin", "power-of-choice:d=4", "availability"]) {
  Deno.test(`Simulation chooses by ${selection} as a server does, and learns the same of its clients`, async () => {
    const make = () => handlerFor("fedavg", {}, { selection, fraction: 0.34 });
    const [virtual, real] = [await make(), await make()];
    const simulated = await new Simulation(virtual, { ...await dealt(), rounds: 4 }).run();
    const federated = await federate("fedavg", "memory", real);
    const cohorts = ({ rounds }: RunReport) => rounds.map(({ cohort }) => cohort);
    assertEquals(cohorts(simulated), cohorts(federated));
    assertEquals(simulated.modelDigest, federated.modelDigest);
    assertEquals([...virtual.known], [...real.known]);
    const { parts } = await dealt();
    assertEquals(
      Array.from(virtual.known.values(), ({ numSamples }) => numSamples),
      parts.map(({ length }) => length),
    );
  });
}

Deno.test("Simulation gives one model whatever the number of workers and where states are kept", async () => {
  const digests = [
    await simulate("scaffold", { workers: 1 }),
    await simulate("scaffold", { workers: 3 }),
    await simulate("scaffold", { workers: 2, stateBytes: 0 }),
  ].map(({ modelDigest }) => modelDigest);
  assertEquals(new Set(digests).size, 1);
});

for (
  const [strategy, selection] of [
    ["fedadam:lr=0.05", "uniform"],
    ["scaffold", "uniform"],
    ["feddyn:alpha=0.1", "power-of-choice:d=4"],
  ] as const
) {
  Deno.test(`Simulation of ${strategy}, ${selection} goes on from a checkpoint as if it had not ended`, () =>
    inFolder(async (folder) => {
      const data = await dealt();
      const make = () => handlerFor(strategy, {}, { selection });
      const whole = await new Simulation(await make(), { ...data, rounds: 6 }).run();

      const checkpoints = new CheckpointStore(folder);
      const kept: number[] = [];
      await new Simulation(await make(), {
        ...data,
        rounds: 4,
        checkpoints,
        checkpointEvery: 3,
        stateBytes: 0,
        onEvent: (event) => event.type === "checkpoint" && kept.push(event.round),
      }).run();
      assertEquals(kept, [3, 4]);

      const resume = await checkpoints.latest();
      assert(resume);
      const rest = await new Simulation(await make(), { ...data, rounds: 6, resume }).run();
      assertEquals(rest.modelDigest, whole.modelDigest);
      const figures = ({ rounds }: RunReport) =>
        rounds.map(({ round, cohort, loss }) => [round, cohort, loss]);
      assertEquals(figures(rest), figures(whole));
      const other = await handlerFor("fedavg");
      await assertRejects(
        () => new Simulation(other, { ...data, rounds: 6, resume }).run(),
        RangeError,
        "expected strategy fedavg",
      );
    }));
}

for (
  const [strategy, selection] of [
    ["fedavg", "power-of-choice:d=4"],
    ["fedadam:lr=0.05", "uniform"],
    ["scaffold", "uniform"],
    ["feddyn:alpha=0.1", "uniform"],
  ] as const
) {
  Deno.test(`Simulation of ${strategy}, ${selection} that is stopped keeps the last whole round, and goes on as if undisturbed`, () =>
    inFolder(async (folder) => {
      const data = await dealt();
      const make = () => handlerFor(strategy, {}, { selection });
      const figures = ({ rounds, final, modelDigest }: RunReport) => [
        ...rounds.map(({ cohort, loss }) => [cohort, loss]),
        final?.accuracy,
        modelDigest,
      ];
      const whole = await new Simulation(await make(), { ...data, rounds: 6 }).run();
      for (const place of ["training", "evaluation"] as const) {
        const checkpoints = new CheckpointStore(`${folder}/${place}`);
        const stop = new AbortController();
        const handler = await make();
        if (place === "evaluation") atModel(handler, 3, () => stop.abort(new Error("enough")));
        const simulation = new Simulation(handler, {
          ...data,
          rounds: 6,
          checkpoints,
          checkpointEvery: 100,
          onEvent: (event) => {
            if (event.type !== "update-received" || event.round !== 4) return;
            if (event.received === 2) stop.abort(new Error("enough"));
          },
        });
        await assertRejects(() => simulation.run({ signal: stop.signal }), Error, "enough");
        const resume = await checkpoints.latest();
        assertEquals(resume?.round, 3);
        assert(resume);
        const rest = await new Simulation(await make(), { ...data, rounds: 6, resume }).run();
        assertEquals(figures(rest), figures(whole));
      }
    }));
}

/** Calls back when the handler has made the model of that round. */
function atModel(handler: SyncParameterServerHandler, round: number, done: () => void): void {
  const { updateModel } = handler;
  let rounds = 0;
  handler.updateModel = () => {
    updateModel.call(handler);
    if (++rounds === round) done();
  };
}

Deno.test("Simulation that is stopped in the evaluation at which it would have ended ends with it when it goes on", () =>
  inFolder(async (folder) => {
    const options = { ...await dealt(), rounds: 50, targetAccuracy: 0.5 };
    const whole = await new Simulation(await handlerFor("fedavg"), options).run();
    const last = whole.rounds.length;
    const checkpoints = new CheckpointStore(folder);
    const stop = new AbortController();
    const handler = await handlerFor("fedavg");
    atModel(handler, last, () => stop.abort(new Error("enough")));
    const stopped = new Simulation(handler, { ...options, checkpoints, checkpointEvery: 100 });
    await assertRejects(() => stopped.run({ signal: stop.signal }), Error, "enough");
    const resume = await checkpoints.latest();
    assertEquals(resume?.round, last);
    assert(resume);
    const rest = await new Simulation(await handlerFor("fedavg"), { ...options, resume }).run();
    assertEquals(rest.rounds.length, last);
    assertEquals(rest.final?.accuracy, whole.final?.accuracy);
    assertEquals(rest.modelDigest, whole.modelDigest);
  }));

Deno.test("Simulation evaluates as often as it is asked to, and ends at the target", async () => {
  const report = await simulate("fedavg", { rounds: 7, evaluateEvery: 3 });
  assertEquals(
    report.rounds.filter(({ loss }) => loss !== undefined).map(({ round }) => round),
    [3, 6, 7],
  );
  assertEquals(report.final?.samples, 600);
  const early = await simulate("fedavg", { rounds: 50, targetAccuracy: 0.5 });
  assert(early.rounds.length < 50);
  const last = early.rounds.at(-1)?.accuracy ?? 0, before = early.rounds.at(-2)?.accuracy ?? 0;
  assert(last >= 0.5 && before < 0.5);
});

Deno.test("Simulation that is stopped between evaluations reports none as final, nor does one that goes on from there", () =>
  inFolder(async (folder) => {
    const data = await dealt();
    const checkpoints = new CheckpointStore(folder);
    const reasons: string[] = [];
    const runTo = async (round: number, resume?: Checkpoint) => {
      const stop = new AbortController();
      const simulation = new Simulation(await handlerFor("fedavg"), {
        ...data,
        rounds: 9,
        evaluateEvery: 3,
        checkpoints,
        ...(resume && { resume }),
        onEvent: (event) => {
          if (event.type === "stopped") reasons.push(event.reason);
          if (event.type === "round-started" && event.round === round + 1) {
            stop.abort(new Error("enough"));
          }
        },
      });
      await assertRejects(() => simulation.run({ signal: stop.signal }), Error, "enough");
      const { rounds, final } = await simulation.report();
      assertEquals(rounds.length, round);
      return [final?.accuracy, rounds[2]?.accuracy];
    };
    const [atThree, ofThree] = await runTo(3);
    assert(ofThree !== undefined);
    assertEquals(atThree, ofThree);
    const resume = await checkpoints.latest();
    assertEquals(await runTo(3, resume), [ofThree, ofThree]);
    assertEquals((await runTo(4, resume))[0], undefined);
    assertEquals((await runTo(4, await checkpoints.latest()))[0], undefined);
    assertEquals(reasons, Array(4).fill("enough"));
  }));

Deno.test("Simulation keeps a client whose training diverges, leaves it out of the round, and says which", async () => {
  const handler = await handlerFor("fedavg", {}, { fraction: 1 });
  const events: ServerEvent[] = [];
  const options = { ...await dealt([3]), rounds: 3, onEvent: (e: ServerEvent) => events.push(e) };
  const { rounds } = await new Simulation(handler, options).run();
  for (const { cohort, received, dropped, refused, losses } of rounds) {
    assert(cohort.includes(3));
    assertEquals([received, dropped, refused], [PARTS - 1, 0, 1]);
    assertEquals(losses.map(({ rank }) => rank), [3]);
    assertMatch(losses[0]?.reason ?? "", /^Training diverged: loss is NaN/);
  }
  const told = events.filter((event) => event.type === "update-refused");
  assertEquals(told.map(({ rank, fault }) => [rank, fault]), Array(3).fill([3, "cannot-train"]));
});

Deno.test("Simulation has those clients evaluate that a server asks: none that are left out of rounds", async () => {
  const make = async () => {
    const handler = await handlerFor("fedavg", {}, { fraction: 1 });
    handler.paused = () => [2, 4];
    return handler;
  };
  const { train, parts } = await dealt();
  const options = { train, parts, rounds: 2, workers: 1 };
  const virtual = await new Simulation(await make(), options).run();
  const real = await federate("fedavg", "memory", await make());
  for (const { rounds } of [virtual, real]) {
    for (const { clients } of rounds.slice(0, 2)) {
      assertEquals(clients?.accuracy?.count, PARTS - 2);
    }
  }
  assertEquals(virtual.rounds[1]?.clients?.accuracy?.mean, real.rounds[1]?.clients?.accuracy?.mean);
});

Deno.test("Simulation goes on where parameters have no finite loss for a client, as a server does, bit for bit", async () => {
  const make = async () => {
    const handler = await handlerFor("fedavg", {}, { fraction: 1 });
    // Values that are finite, and whose products are not.
    handler.parameters = handler.parameters.map((x) => x * 1e37);
    return handler;
  };
  const run = { rounds: 1, quorum: 0.1, roundTries: 1 };
  const reasons = async (run: Promise<unknown>) => {
    const { message } = await assertRejects(() => run, DeadlineError);
    return message;
  };
  const simulated = await reasons(
    new Simulation(await make(), { ...await dealt(), ...run }).run(),
  );
  assertMatch(simulated, /rank 1: Cannot train on these parameters: their loss is NaN before/);
  assertEquals(await reasons(federate("fedavg", "tcp", await make(), { server: run })), simulated);
});

for (const strategy of ["fedavg", "ditto"]) {
  Deno.test(`clients of ${strategy} evaluate on what they do not learn from, in a simulation and with a server`, async () => {
    const data = await dealt();
    const held = data.parts.map((rows, i) => holdOut(rows, { share: 0.3, seed: 5, index: i + 1 }));
    const parts = held.map(({ train }) => train), testParts = held.map(({ test }) => test);
    const options = { train: data.train, parts, testParts, rounds: 4 };
    const simulated = await new Simulation(await handlerFor(strategy), options).run();
    const clients = { rows: parts, testRows: testParts };
    const federated = await federate(strategy, "memory", await handlerFor(strategy), { clients });
    assertEquals(simulated.modelDigest, federated.modelDigest);
    assertEquals(simulated.final?.samples, testParts.reduce((sum, { length }) => sum + length, 0));
    for (const [i, { clients }] of simulated.rounds.entries()) {
      assertEquals(clients?.accuracy?.count, PARTS);
      const other = federated.rounds[i]?.clients?.accuracy;
      for (const [name, value] of Object.entries(clients?.accuracy ?? {})) {
        assertAlmostEquals(Object(other)[name], value, 1e-6, name);
      }
    }
  });
}

for (const strategy of ["fedavg", "scaffold"]) {
  Deno.test(`Simulation of ${strategy} goes without clients that cannot train and tries rounds again as a server does, bit for bit`, async () => {
    const broken = [1, 3, 4, 6];
    const options = { ...await dealt(broken), rounds: 4 };
    const simulated = await new Simulation(await handlerFor(strategy), options).run();
    const federated = await federate(strategy, "memory", await handlerFor(strategy), { broken });
    const story = ({ rounds }: RunReport) =>
      rounds.map(({ cohort, received, dropped, refused, tries, losses }) => [
        ...[cohort, received, dropped, refused, tries, losses],
      ]);
    assertEquals(story(simulated), story(federated));
    assert(simulated.rounds.some(({ tries }) => tries > 1));
    assertEquals(simulated.modelDigest, federated.modelDigest);
  });
}

Deno.test("Simulation counts a refused update as refused, and keeps its client, as a server does", async () => {
  const refusing = async () => {
    const handler = await handlerFor("fedavg", {}, { fraction: 1 });
    const { check } = handler;
    handler.check = (rank, payload) => {
      if (rank === 2) throw new ProtocolError("non-finite", "Cannot take it");
      return check.call(handler, rank, payload);
    };
    return handler;
  };
  const simulated = await new Simulation(await refusing(), { ...await dealt(), rounds: 4 }).run();
  const federated = await federate("fedavg", "memory", await refusing());
  for (const { rounds } of [simulated, federated]) {
    for (const { round, cohort, received, dropped, refused, losses } of rounds) {
      // Left out of one round after the first time, and of two after the second.
      const isAsked = round === 1 || round === 3;
      assertEquals([received, dropped, refused], [PARTS - 1, 0, isAsked ? 1 : 0]);
      assertEquals(cohort.includes(2), isAsked);
      assertEquals(losses, isAsked ? [{ rank: 2, reason: "Cannot take it" }] : []);
    }
  }
  assertEquals(simulated.modelDigest, federated.modelDigest);
});

Deno.test("Simulation ends with the reason when every client fails, when none can train, and when it is aborted", async () => {
  const { train, test, parts } = await dealt();
  const failing = await handlerFor("fedavg");
  // A plan that a worker refuses is a failure of the client's own.
  const failed = new Simulation(failing, { train, test, parts, rounds: 3, quorum: 1 });
  failing.planFor = () => ({ ...failing.plan, epochs: 0 });
  await assertRejects(() => failed.run(), Error, "All clients are gone, rank");
  const handler = await handlerFor("fedavg", { learningRate: 1e30 });
  const simulation = new Simulation(handler, { train, test, parts, rounds: 3 });
  await assertRejects(() => simulation.run(), DeadlineError, "Training diverged");
  assertEquals((await simulation.report()).rounds, []);

  const stop = new AbortController();
  const long = new Simulation(await handlerFor("fedavg", { epochs: 1000 }), {
    train,
    test,
    parts,
    rounds: 3,
    onEvent: () => stop.abort(new Error("enough")),
  });
  await assertRejects(() => long.run({ signal: stop.signal }), Error, "enough");
});

Deno.test("Simulation refuses what cannot be simulated", async () => {
  const { train, parts } = await dealt();
  const handler = await handlerFor("fedavg");
  const make = (options: Partial<SimulationOptions>) => () =>
    new Simulation(handler, { train, parts, rounds: 1, ...options });
  assertThrows(make({ rounds: 0 }), RangeError, "expected a number of rounds from 1, got 0");
  assertThrows(make({ workers: 0.5 }), RangeError, "number of workers");
  assertThrows(make({ evaluateEvery: 0 }), RangeError, "between evaluations");
  assertThrows(make({ testParts: [] }), RangeError, "testParts of 6 clients, got 0");
  assertThrows(make({ testParts: parts.map(() => []) }), RangeError, "no samples to evaluate on");
  assertThrows(make({ quorum: 2 }), RangeError, "a quorum above 0 and at most 1, got 2");
  assertThrows(make({ targetAccuracy: 95 }), RangeError, "at most 1, got 95");
  assertThrows(make({ stateBytes: NaN }), RangeError, "expected state bytes from 0, got NaN");
  assertThrows(make({ parts: [[0.5]] }), RangeError, "of the client of rank 1, got 0.5");
  assertThrows(make({ parts: [] }), RangeError, "number of clients");
  assertThrows(make({ parts: [[1], []] }), RangeError, "rank 2 has no samples");
  const broken = train.select([0, 1, 2]);
  broken.features[64] = NaN;
  const message = "expected finite features, got NaN in row 1";
  assertThrows(make({ train: broken, parts: [[0], [1]] }), RangeError, message);
  assertThrows(make({ test: broken }), RangeError, message);
  assertThrows(
    make({ parts: [[1], [2, 600]] }),
    RangeError,
    "rows 0 to 599 of the client of rank 2",
  );
  for (const side of [4, 9]) {
    const test = new Dataset(new Float32Array(side * side), Int32Array.of(0), [side, side, 1], 10);
    assertThrows(
      make({ test }),
      RangeError,
      `test data of shape [8,8,1] and 10 classes, got [${side},`,
    );
  }
  const keeping = await handlerFor("fedavg", { momentum: 0.9, keepMomentum: true });
  assertThrows(
    () => new Simulation(keeping, { train, parts, rounds: 1 }),
    RangeError,
    "a simulation does not go with momentum kept",
  );
  const { manifest, parameters } = handler;
  const bare = new SyncParameterServerHandler({ manifest, parameters });
  assertThrows(
    () => new Simulation(bare, { train, parts, rounds: 1 }),
    TypeError,
    "no description of its model",
  );
});

Deno.test("Simulation ends with a round that is not finite, and its checkpoint is the one before", () =>
  inFolder(async (folder) => {
    const mean = parseStrategy("fedavg");
    const handler = new SyncParameterServerHandler({
      ...await initialParameters(MODEL, 5),
      model: MODEL,
      strategy: {
        name: "spoiling",
        workingVectors: 1,
        begin(global, info) {
          const round = mean.begin(global, info);
          const finish = () => info?.round === 3 ? round.finish().fill(Infinity) : round.finish();
          return { accept: (update) => round.accept(update), finish };
        },
      },
    });
    const checkpoints = new CheckpointStore(folder);
    const simulation = new Simulation(handler, { ...await dealt(), rounds: 4, checkpoints });
    await assertRejects(
      () => simulation.run(),
      Error,
      "Cannot end round 3: expected finite parameters of spoiling",
    );
    const kept = await checkpoints.latest();
    assertEquals(kept?.round, 2);
    assertEquals(kept?.parameters, handler.parameters);
  }));

for (const strategy of ["fedavgm", "feddyn:alpha=0.1", "fednova", "fedyogi:lr=1"]) {
  Deno.test(`Simulation of ${strategy} keeps BatchNorm's moving statistics within what clients sent`, async () => {
    const { train, test, parts } = await dealt();
    const layers = [
      ["Flatten", { batch_input_shape: [null, 8, 8, 1] }],
      ["Dense", { units: 16 }],
      ["BatchNormalization", { momentum: 0.5 }],
      ["Dense", { units: 10 }],
    ].map(([class_name, config]) => ({ class_name, config }));
    const model: ModelDescription = {
      format: "tfjs-layers",
      topology: { class_name: "Sequential", config: { name: "normed", layers } },
      loss: "softmaxCrossEntropy",
    };
    const handler = new SyncParameterServerHandler({
      ...await initialParameters(model, 5),
      model,
      strategy: parseStrategy(strategy),
      plan: { learningRate: 0.02 },
      seed: 5,
    });
    const { rounds } = await new Simulation(handler, { train, test, parts, rounds: 6 }).run();
    for (const { loss = NaN } of rounds) assert(Number.isFinite(loss), `${loss}`);
    const variance = handler.manifest.tensors.find(({ name }) => name.endsWith("moving_variance"));
    assert(variance);
    const { offset, length } = variance;
    assert(handler.parameters.subarray(offset, offset + length).every((value) => value > 0));
  });
}

Deno.test("ClientStates gives back what was kept, from memory and from its file, and leaves no file", () => {
  using store = new ClientStates(3, 2 * 12);
  const into = new Float32Array(3);
  assertEquals(copied(store, 1, into), false);
  const kept = (rank: number, round: number) => Float32Array.of(rank, round, rank * round);
  for (const round of [1, 2]) {
    for (const rank of [4, 1, 3, 2]) store.write(rank, kept(rank, round));
    for (const rank of [1, 2, 3, 4]) {
      assertEquals(copied(store, rank, into), round > 1);
      if (round > 1) assertEquals(into, kept(rank, round - 1));
    }
    store.commit();
    for (const rank of [1, 2, 3, 4]) {
      assertEquals(copied(store, rank, into), true);
      assertEquals(into, kept(rank, round));
    }
  }
  for (const rank of [5, 2, 1]) store.write(rank, kept(rank, 3));
  store.discard();
  for (const rank of [3, 1, 5]) store.write(rank, kept(rank, 4));
  store.commit();
  for (const [rank, round] of [[1, 4], [2, 2], [3, 4], [4, 2], [5, 4]] as const) {
    assertEquals(copied(store, rank, into), true);
    assertEquals(into, kept(rank, round));
  }
  assertEquals(copied(store, 6, into), false);
});

Deno.test("ClientStates keeps its file in the folder that it is given, and removes it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = () => [...Deno.readDirSync(folder)].length;
    {
      using store = new ClientStates(3, 0, folder);
      assertEquals(files(), 0);
      store.write(1, Float32Array.of(1, 2, 3));
      assertEquals(files(), 1);
    }
    assertEquals(files(), 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
