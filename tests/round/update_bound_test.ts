import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  ClientFollowingTop,
  type EvaluateResult,
  FedAdam,
  FedAvgM,
  Manifest,
  type ParameterVector,
  parseAsyncStrategy,
  ProtocolError,
  type RunReport,
  Scaffold,
  ServerAsyncTop,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  strategyOf,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { ASYNC_STRATEGY_NAMES, STRATEGY_NAMES } from "../../src/strategy/mod.ts";
import { KnownClients } from "../../src/round/handler/known_clients.ts";
import { lowerMedian, mostExtreme, outOfBounds } from "../../src/round/handler/update_bound.ts";
import { FakeHandler } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = Manifest.of([{ name: "w", shape: [12] }, { name: "v", shape: [4] }]);
const CLIENTS = 8, ATTACKER = 3, ROUNDS = 4;

/** Options of strategies that have no default. */
const OPTIONS: Readonly<Record<string, Record<string, number>>> = {
  "norm-clipping": { bound: 5 },
  "trimmed-mean": { attackers: 1 },
  "krum": { attackers: 1 },
  "multi-krum": { attackers: 1 },
  "bulyan": { attackers: 1 },
};

/** Client whose gradient is the change that it would make to the vector. */
class Learner extends FakeHandler {
  readonly #attack: Attack;

  constructor(attack: Attack) {
    super(MANIFEST, { step: attack, loss: 1, evaluation: 1 });
    this.#attack = attack;
  }

  override gradient() {
    const gradient = new Float32Array(MANIFEST.length);
    this.#attack(gradient);
    return Promise.resolve({ numSamples: 1, loss: 1, metrics: {}, gradient });
  }
}

/** Changes that an attacker makes to the vector. */
type Attack = (vector: ParameterVector) => void;

const ATTACKS: Readonly<Record<string, Attack>> = {
  "3e38": (vector) => void vector.fill(3e38),
  "1e30": (vector) => void vector.fill(-1e30),
  "1e10 times the norm of the others": (vector) =>
    void vector.forEach((x, i) => vector[i] = x + 1e9),
};

let runs = 0;

interface Run {
  report: RunReport;
  events: ServerEvent[];
  fates: PromiseSettledResult<void>[];
}

/** Runs a server with eight clients, one of which attacks in every round. */
async function run(
  handler: SyncParameterServerHandler | AsyncParameterServerHandler,
  attack: Attack,
  options: { isAttacker?: (rank: number) => boolean; rounds?: number } = {},
): Promise<Run> {
  const { isAttacker = (rank) => rank === ATTACKER, rounds = ROUNDS } = options;
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const events: ServerEvent[] = [];
  let clients: Promise<void>[] = [];
  const settings = {
    ...group,
    listen: `bound-${runs++}`,
    worldSize: CLIENTS + 1,
    onEvent: (event: ServerEvent) => {
      events.push(event);
      if (event.type !== "listening") return;
      clients = Array.from({ length: CLIENTS }, (_, i) => {
        const rank = i + 1;
        const step = isAttacker(rank)
          ? attack
          : (vector: ParameterVector) => vector.forEach((x, i) => vector[i] = x + 0.1);
        const client = new ClientFollowingTop(new Learner(step), {
          ...group,
          serverAddr: event.address,
          rank,
        });
        const running = client.run();
        running.catch(() => {});
        return running;
      });
    },
  };
  const server = handler instanceof SyncParameterServerHandler
    ? new ServerSyncTop(handler, { ...settings, rounds })
    : new ServerAsyncTop(handler, { ...settings, versions: 12 });
  try {
    const report = await server.run();
    return { report, events, fates: await Promise.allSettled(clients) };
  } finally {
    await Promise.allSettled(clients);
  }
}

const lossOf = (vector: ParameterVector): Promise<EvaluateResult> =>
  Promise.resolve({ numSamples: 1, loss: Math.abs(vector[0] ?? NaN) });

/** Checks that no honest client was lost, the run ended, and its model is that of the honest ones. */
function assertHonest({ report, fates }: Run, rounds: number, parameters: ParameterVector): void {
  assertEquals(report.rounds.length, rounds);
  assertEquals(fates.map(({ status }) => status), Array(CLIENTS).fill("fulfilled"));
  assert(parameters.every((x) => Math.abs(x) < 100), `the model is ${parameters[0]}`);
}

function syncHandler(name: string): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    strategy: strategyOf(name, OPTIONS[name], name === "fedper" ? { local: "v" } : {}),
    evaluator: lossOf,
  });
}

for (const [what, attack] of Object.entries(ATTACKS)) {
  for (const name of STRATEGY_NAMES) {
    Deno.test(`${name} goes on without a client whose update is ${what}, and names it`, async () => {
      const handler = syncHandler(name);
      const { rule } = handler.plan;
      const outcome = await run(handler, attack);
      assertHonest(outcome, ROUNDS, handler.parameters);
      const { report: { rounds }, events } = outcome;
      if (handler.strategy.isRobust) {
        assertEquals(rounds.map(({ received }) => received), Array(ROUNDS).fill(CLIENTS));
        for (const { outliers = [] } of rounds) {
          assertEquals(outliers.map(({ rank }) => rank), [ATTACKER]);
        }
        return;
      }
      assertEquals(rounds[0]?.received, CLIENTS - 1, rule?.name);
      assertEquals(rounds[0]?.losses.map(({ rank }) => rank), [ATTACKER]);
      // The state that a client of scaffold would keep after such an update is not finite.
      if (rounds[0]?.losses[0]?.reason.startsWith("Cannot train")) return;
      assertMatch(rounds[0]?.losses[0]?.reason ?? "", /expected a change of a norm of at most/);
      assertEquals(rounds.map(({ refused }) => refused > 0), [true, false, true, false]);
      const refusals = events.filter((event) => event.type === "update-refused");
      assertEquals(refusals.map(({ rank, round }) => [rank, round]), [
        ...[[ATTACKER, 1], [ATTACKER, 3]],
      ]);
      assertEquals(refusals[0]?.fault, "out-of-bounds");
      const taken = events.flatMap((event) =>
        event.type === "update-received" && event.round === 1 ? [event] : []
      );
      assert(taken.every(({ norm = -1, numSamples }) => norm >= 0 && numSamples === 1));
      const [norm] = taken.flatMap(({ rank, norm }) => rank === ATTACKER ? [norm] : []);
      assertEquals(refusals[0]?.norm, norm);
      const retried = events.filter((event) => event.type === "round-retried");
      assertEquals(retried.map(({ received, quorum }) => [received, quorum]), [
        ...[[CLIENTS - 1, CLIENTS / 2], [CLIENTS - 1, CLIENTS / 2]],
      ]);
    });
  }

  for (const name of ASYNC_STRATEGY_NAMES) {
    Deno.test(`${name} goes on without a client whose update is ${what}, and names it`, async () => {
      const handler = new AsyncParameterServerHandler({
        manifest: MANIFEST,
        parameters: new Float32Array(MANIFEST.length),
        strategy: parseAsyncStrategy(name === "fedbuff" ? "fedbuff:size=3" : name),
        evaluator: lossOf,
      });
      const outcome = await run(handler, attack);
      assertHonest(outcome, 12, handler.parameters);
      const { report: { rounds }, events } = outcome;
      assert(rounds.every(({ cohort }) => !cohort.includes(ATTACKER)));
      const refusals = events.filter((event) =>
        event.type === "update-refused" && event.fault === "out-of-bounds"
      );
      assert(
        refusals.length > 0 &&
          refusals.every((event) => "rank" in event && event.rank === ATTACKER),
      );
      assert(rounds.some(({ losses }) => losses.some(({ rank }) => rank === ATTACKER)));
    });
  }
}

Deno.test("a run whose updates are refused makes the model of a run without their sender in the cohort", async () => {
  const [attacked, honest] = [syncHandler("fedadam"), syncHandler("fedadam")];
  await run(attacked, (vector) => void vector.fill(3e38));
  await run(honest, (vector) => void vector.forEach((x, i) => vector[i] = x + 0.1));
  // All honest updates are alike.
  assertEquals(attacked.parameters, honest.parameters);
});

Deno.test("two clients of opposite signs are both refused in one try", async () => {
  const handler = syncHandler("fedavg");
  let sign = 1;
  const outcome = await run(handler, (vector) => void vector.fill((sign = -sign) * 3.4e38), {
    isAttacker: (rank) => rank > CLIENTS - 2,
  });
  assertHonest(outcome, ROUNDS, handler.parameters);
  const [first] = outcome.report.rounds;
  assertEquals(first?.losses.map(({ rank }) => rank), [7, 8]);
  assertEquals(first?.tries, 2);
});

Deno.test("a round whose model evaluates to no number is tried again without the most extreme update", async () => {
  // A change of a hundred times the others' is within the bound, and makes the loss of this model
  // infinite.
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    strategy: strategyOf("fedavgm", { momentum: 0.9 }),
    evaluator: (vector) =>
      Promise.resolve({ numSamples: 1, loss: Math.log(0.2 - (vector[0] ?? 0)) }),
  });
  const undisturbed = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    strategy: strategyOf("fedavgm", { momentum: 0.9 }),
    evaluator: (vector) => Promise.resolve({ numSamples: 1, loss: vector[0] ?? 0 }),
  });
  const step = (vector: ParameterVector) => vector.forEach((x, i) => vector[i] = x + 0.02);
  const attack = (vector: ParameterVector) => void vector.forEach((x, i) => vector[i] = x + 1.9);
  const only = async (handler: SyncParameterServerHandler, hasAttacker: boolean) => {
    const group = { distBackend: "memory", logger: silentLogger } as const;
    let clients: Promise<unknown> = Promise.resolve();
    const server = new ServerSyncTop(handler, {
      ...group,
      listen: `sound-${runs++}`,
      worldSize: 5,
      rounds: 2,
      onEvent: (event) => {
        if (event.type !== "listening") return;
        clients = Promise.all([1, 2, 3, 4].map((rank) =>
          new ClientFollowingTop(
            new FakeHandler(MANIFEST, { step: rank === 2 && hasAttacker ? attack : step }),
            { ...group, serverAddr: event.address, rank },
          ).run()
        ));
      },
    });
    const report = await server.run();
    await clients;
    return report;
  };
  const { rounds } = await only(handler, true);
  await only(undisturbed, false);
  assertEquals(rounds.map(({ received, cohort }) => [received, cohort.length]), [[3, 3], [3, 3]]);
  assertMatch(rounds[0]?.losses[0]?.reason ?? "", /evaluates to no number/);
  assertEquals(rounds[0]?.losses.map(({ rank }) => rank), [2]);
  // The strategy's state is restored as well.
  assertEquals(handler.parameters, undisturbed.parameters);
});

Deno.test("a run ends with an error when its model evaluates to no number whoever is left out", async () => {
  let evaluations = 0;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: (vector) =>
      Promise.resolve({ numSamples: 1, loss: ++evaluations && (vector[0] ?? 0) > 0.15 ? NaN : 1 }),
  });
  await assertRejects(
    () => run(handler, (vector) => void vector.forEach((x, i) => vector[i] = x + 0.1)),
    Error,
    "Cannot end round 2: the round's model evaluates to no number, whichever update is left out",
  );
  assert((handler.parameters[0] ?? 1) < 0.15);
});

Deno.test("an evaluator that never gives a loss ends no run", async () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: NaN, accuracy: 0.5 }),
  });
  const { report } = await run(handler, (vector) => void vector.fill(1));
  assertEquals(
    report.rounds.map(({ accuracy, tries }) => [accuracy, tries]),
    Array(4).fill([0.5, 1]),
  );
});

Deno.test("without a bound every finite update is believed", async () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    updateBound: Infinity,
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const { report } = await run(handler, (vector) => void vector.fill(1e6));
  assertEquals(report.rounds.map(({ received }) => received), Array(ROUNDS).fill(CLIENTS));
  for (const updateBound of [1, 0, -1, NaN]) {
    const parameters = new Float32Array(MANIFEST.length);
    await assertRejects(
      () =>
        Promise.try(() =>
          new SyncParameterServerHandler({ manifest: MANIFEST, parameters, updateBound })
        ),
      RangeError,
      "expected an update bound above 1",
    );
  }
});

Deno.test("a strategy of one's own that restores what it saved is tried again as well", async () => {
  let kept = 0;
  const strategy: Strategy = {
    name: "own",
    workingVectors: 0,
    begin(global) {
      const updates: number[] = [];
      return {
        accept: ({ parameters }) => void updates.push(parameters[0] ?? NaN),
        finish: () => {
          kept++;
          return global.slice().fill(updates.includes(5) ? NaN : kept);
        },
      };
    },
    save: () => ({ json: { kept } }),
    restore: ({ json }) => void (kept = (json as { kept: number }).kept),
  };
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    strategy,
    evaluator: lossOf,
  });
  const { report } = await run(handler, (vector) => void vector.fill(5));
  assertEquals(report.rounds[0]?.losses.map(({ rank }) => rank), [ATTACKER]);
  assertEquals(handler.parameters[0], ROUNDS);
});

Deno.test("a client whose updates are taken in and then refused is left out of 1 round, then of 2, 4", async () => {
  const handler = syncHandler("fedavg");
  const { report } = await run(handler, (vector) => void vector.fill(3e38), { rounds: 9 });
  assertEquals(
    report.rounds.map(({ losses }) => losses.some(({ rank }) => rank === ATTACKER)),
    [true, false, true, false, false, true, false, false, false],
  );
  const { answered, dropped, loss, numSamples } = handler.known.get(ATTACKER) ?? {};
  assertEquals({ answered, dropped, loss, numSamples }, {
    answered: 0,
    dropped: 3,
    loss: undefined,
    numSamples: 1,
  });
});

Deno.test("KnownClients forget an update that is refused after all, in whichever try it came", () => {
  const known = new KnownClients();
  known.addJoin(1, 10);
  known.addUpdate(1, { round: 1, numSamples: 10, loss: 2 });
  const before = known.all.get(1);
  for (const loss of [1e300, 1e301]) known.addUpdate(1, { round: 2, numSamples: 2 ** 50, loss });
  known.addMiss(1, 2, true);
  const { misses, pause, ...after } = known.all.get(1) ?? {};
  assertEquals([misses, pause], [2, 1]);
  assertEquals(after, { ...before, dropped: 1, lastRound: 2 });
  // Answers of earlier rounds still count.
  known.addUpdate(1, { round: 4, numSamples: 10, loss: 1 });
  known.addMiss(1, 5, true);
  assertEquals(known.all.get(1)?.answered, 2);
});

const figuresOf = (...norms: number[]) =>
  new Map(norms.map((norm, i) => [i + 1, { norm, claims: { numSamples: 10 } }]));

Deno.test("the event of an update that went in tells samples and change, in rounds and without", async () => {
  const origin = { manifest: MANIFEST, parameters: new Float32Array(MANIFEST.length) };
  for (
    const handler of [
      new SyncParameterServerHandler(origin),
      new SyncParameterServerHandler({ ...origin, strategy: strategyOf("fedsgd") }),
      new AsyncParameterServerHandler(origin),
    ]
  ) {
    const { events } = await run(handler, (vector) => void vector.fill(0.1));
    const updates = events.filter((event) => event.type === "update-received");
    assert(updates.length >= 12);
    for (const { numSamples, norm = NaN } of updates) {
      assertEquals(numSamples, 1);
      assert(norm >= 0);
    }
    // Each of the 16 values moves by 0.1 in the first step.
    const [first] = updates;
    assert(Math.abs((first?.norm ?? NaN) - 0.4) < 1e-6, `${first?.norm}`);
  }
});

Deno.test("of an asynchronous run the first three changes are held against the model alone, the next ones against their median", () => {
  const handler = new AsyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
  });
  // The floor is the square root of 16 values, 4.
  const update = (norm: number) => ({
    round: 1,
    numSamples: 1,
    parameters: new Float32Array(MANIFEST.length).fill(norm / 4),
  });
  for (let n = 0; n < 3; n++) {
    assertEquals(handler.check(1, update(4e5)), 4e5);
    assertThrows(() => handler.check(1, update(4.1e6)), ProtocolError, "at most 4.00e+6");
    handler.noteUpdate(n, 1, update(1));
  }
  assertEquals(handler.check(1, update(100)), 100);
  assertThrows(() => handler.check(1, update(101)), ProtocolError, "at most 100");
});

Deno.test("outOfBounds() holds each change against the lower median, and none below the floor", () => {
  assertEquals(lowerMedian([3, 1, 2]), 2);
  assertEquals(lowerMedian([4, 1]), 1);
  const found = (norms: number[], floor: number) =>
    outOfBounds(figuresOf(...norms), { bound: 100, floor });
  assertEquals(found([1, 2, 3, 300], 4), [{ rank: 4, limit: 200 }]);
  assertEquals(found([1, 2, 3, 300], 400), []);
  assertEquals(found([0, 0, 0, 3], 4), []);
  assertEquals(found([1, 3e38], 4), [{ rank: 2, limit: 100 }]);
  assertEquals(found([5], 4), []);
  assertEquals(found([5e6], 4), [{ rank: 1, limit: 4e6 }]);
  assertEquals(found([], 4), []);
});

Deno.test("outOfBounds() lets a client go as much further as it has done more, up to a hundred times", () => {
  const updatesOf = (steps: number, norm: number, rest = {}) =>
    new Map([1, 2, 3, 4].map((rank) => [
      rank,
      rank < 4
        ? { norm: 1, claims: { numSamples: 32, steps: 1 } }
        : { norm, claims: { numSamples: 32 * steps, steps, ...rest } },
    ]));
  const ranksOf = (updates: Parameters<typeof outOfBounds>[0]) =>
    outOfBounds(updates, { bound: 100, floor: 4 }).map(({ rank }) => rank);
  assertEquals(ranksOf(updatesOf(1, 101)), [4]);
  // A site with fifty times the data, whose change is as much larger.
  assertEquals(ranksOf(updatesOf(50, 4999)), []);
  assertEquals(ranksOf(updatesOf(50, 5001)), [4]);
  // Claimed steps count up to a limit, and samples count when no steps are claimed.
  assertEquals(ranksOf(updatesOf(2 ** 40, 10_001)), [4]);
  assertEquals(ranksOf(updatesOf(50, 4999, { steps: 0 })), []);
});

Deno.test("mostExtreme() goes by whatever figure is farthest above that of the others", () => {
  assertEquals(mostExtreme(figuresOf(1, 2, 3)), 3);
  const claims = (numSamples: number, steps: number) => ({
    norm: 1,
    claims: { numSamples, steps },
  });
  const updates = new Map([[1, claims(10, 5)], [2, claims(10, 2 ** 53)], [3, claims(11, 5)]]);
  assertEquals(mostExtreme(updates), 2);
  updates.set(9, claims(2 ** 53, 5));
  assertEquals(mostExtreme(updates), 2);
  assertEquals(mostExtreme(new Map()), undefined);
  // The only update is the one to blame.
  assertEquals(mostExtreme(figuresOf(0)), 1);
});

for (
  const [what, claims] of [
    ["an accuracy that is 0 for most", [{ accuracy: 0 }, { accuracy: 0.3 }, { accuracy: 0 }]],
    ["a loss that is all but 0 for most", [{ loss: 1e-9 }, { loss: 2 }, { loss: 1e-8 }]],
    ["a figure that others leave out", [{}, { initialLoss: 3 }, {}]],
    ["a figure that is called norm", [{}, {}, { norm: 0 }]],
  ] as [string, Record<string, number>[]][]
) {
  Deno.test(`mostExtreme() passes over ${what}, and finds a change of fifty times the others'`, () => {
    const updates = claims.map((claims, i) => [i + 1, { norm: i === 2 ? 50 : 1, claims }] as const);
    assertEquals(mostExtreme(new Map(updates)), 3);
    assertEquals(mostExtreme(new Map(updates.toReversed())), 3);
  });
}

Deno.test("mostExtreme() takes what is no number for farther than anything", () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    const updates = [1, 1, 1, 1].map((norm, i) =>
      [i + 1, { norm, claims: { steps: i === 2 ? value : 5, numSamples: 9 * (i + 1) } }] as const
    );
    assertEquals(mostExtreme(new Map(updates)), 3);
  }
});

Deno.test("outOfBounds() takes a cohort of any size", () => {
  const norms = new Float64Array(300_000).fill(1);
  norms[7] = 1e9;
  const updates = new Map([...norms].map((norm, i) => [i, { norm, claims: {} }]));
  assertEquals(outOfBounds(updates, { bound: 100, floor: 2 }), [{ rank: 7, limit: 100 }]);
});

for (
  const [what, evaluator, attack] of [
    [
      "evaluates to no number",
      (vector: ParameterVector) =>
        Promise.resolve({ numSamples: 1, loss: (vector[0] ?? 0) > 5 ? NaN : 1 }),
      (vector: ParameterVector) => void vector.fill(10),
    ],
    [
      "is not finite",
      lossOf,
      // Within the bound of a single update; its square exceeds float32.
      (vector: ParameterVector) => void vector.fill(1e6),
    ],
  ] as const
) {
  Deno.test(`a round of one update whose result ${what} is tried again with another client`, async () => {
    const strategy: Strategy = {
      name: "cubes",
      workingVectors: 0,
      begin: (global) => ({
        accept({ parameters }) {
          const big = (parameters[0] ?? 0) > 100;
          global = parameters.map((x) => big ? x ** 3 * 1e30 : x);
        },
        finish: () => global,
      }),
      save: () => ({}),
      restore() {},
    };
    const handler = new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
      fraction: 1 / CLIENTS,
      selection: { name: "first", select: ({ available }) => available.slice(0, 1) },
      strategy,
      evaluator,
    });
    const { report, fates } = await run(handler, attack, { isAttacker: (rank) => rank === 1 });
    const [first] = report.rounds;
    assertEquals([first?.cohort, first?.tries], [[2], 2]);
    assertMatch(first?.losses[0]?.reason ?? "", new RegExp(`${what}.* is the only one in it`));
    assertEquals(report.rounds.length, ROUNDS);
    assertEquals(fates.map(({ status }) => status), Array(CLIENTS).fill("fulfilled"));
  });
}

for (const mean of [() => new Scaffold(), () => new FedAdam({ mean: new Scaffold() })]) {
  for (const rounds of [0, 1]) {
    Deno.test(`revertModel() takes back what the mean keeps of FedAvgM of ${mean().name} after ${rounds} rounds`, () => {
      const make = () =>
        new SyncParameterServerHandler({
          manifest: MANIFEST,
          parameters: new Float32Array(MANIFEST.length),
          strategy: new FedAvgM({ momentum: 0.5, mean: mean() }),
        });
      const play = (handler: SyncParameterServerHandler, round: number, value: number) => {
        handler.beginRound(round, 2);
        const parameters = new Float32Array(MANIFEST.length).fill(value);
        handler.onReceive(1, { round, numSamples: 1, steps: 2, parameters });
        handler.updateModel();
      };
      const [reverted, straight] = [make(), make()];
      for (const handler of [reverted, straight]) {
        for (let round = 1; round <= rounds; round++) play(handler, round, 1);
      }
      play(reverted, rounds + 1, 99);
      reverted.revertModel();
      for (const handler of [reverted, straight]) {
        for (const more of [1, 2]) play(handler, rounds + more, 3 * more);
      }
      assertEquals(reverted.parameters, straight.parameters);
      assertEquals(reverted.control, straight.control);
    });
  }
}

Deno.test("an asynchronous server holds updates to the same bound after a resume", () => {
  const make = () =>
    new AsyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
    });
  const update = (value: number) => ({
    round: 1,
    numSamples: 1,
    parameters: new Float32Array(MANIFEST.length).fill(value),
  });
  const [first, resumed] = [make(), make()];
  for (let i = 0; i < 40; i++) first.noteUpdate(i, first.check(i, update(0.02)), update(0.02));
  resumed.restoreState(structuredClone(first.saveState()));
  for (const handler of [first, resumed]) {
    handler.check(1, update(1.9));
    assertThrows(() => handler.check(1, update(9)), ProtocolError, "of a norm of at most");
  }
  // A checkpoint without norms says nothing about the clients' changes.
  const older = make();
  older.restoreState({});
  older.check(1, update(9));
  for (
    const recent of [undefined, 3, [NaN], [[1, -1, 1]], [[1, "1", 1]], [[1, 1, null]], [[1, 1]]]
  ) {
    assertThrows(
      () => make().restoreState({ clients: { recent } }),
      TypeError,
      "expected the norms",
    );
  }
});

/**
 * Runs rounds without a topology. Each client makes its update from the vector that it receives.
 *
 * @returns The ranks whose updates were out of bounds, for each round.
 */
function roundsOf(
  handler: SyncParameterServerHandler,
  cohorts: readonly (readonly number[])[],
  send: (rank: number, vector: ParameterVector) => ParameterVector,
  claims: (rank: number) => { numSamples?: number; steps?: number } = () => ({}),
): number[][] {
  return cohorts.map((cohort, i) => {
    const round = i + 1;
    handler.beginRound(round, 5);
    const updates = new Map(cohort.map((rank) => {
      const parameters = send(rank, handler.parameters.slice());
      const payload = { round, numSamples: 10, steps: 1, ...claims(rank), parameters };
      const norm = handler.check(rank, payload);
      handler.onReceive(rank, payload);
      return [rank, { norm, claims: { numSamples: 10, steps: 1 } }];
    }));
    const found = handler.outOfBounds(updates)?.updates.map(({ rank }) => rank) ?? [];
    if (found.length === 0) handler.updateModel();
    else for (const rank of found) handler.onDrop(rank, round, true);
    return found;
  });
}

const moved = (vector: ParameterVector, by: number) => vector.map((x) => x + by);

Deno.test("the bound does not grow with the model: a member that doubles it each round is soon refused", () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length).fill(1),
  });
  const cohort = [1, 2, 3, 4, 5];
  const found = roundsOf(
    handler,
    Array(40).fill(cohort),
    (rank, vector) => rank === 1 ? vector.map((x) => 1.99 * x) : moved(vector, 0.01),
  );
  const first = found.findIndex((ranks) => ranks.length > 0);
  assert(first > 0 && first < 20, `first refused after ${first} rounds`);
  for (const ranks of found.slice(first)) assertEquals(ranks, [1]);
  assert(handler.parameters.every((x) => Math.abs(x) < 100));
});

Deno.test("cohorts of one and two are held against what other clients have sent last", () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
  });
  const send = (rank: number, vector: ParameterVector) => moved(vector, rank === 1 ? 50 : 0.01);
  const found = roundsOf(handler, [[2], [3], [4], [1], [5, 1], [1]], send);
  assertEquals(found, [[], [], [], [1], [1], [1]]);
  // After a resume as well.
  const resumed = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
  });
  resumed.restoreState(structuredClone(handler.saveState()));
  assertEquals(roundsOf(resumed, [[1]], send), [[1]]);
});

Deno.test("an asynchronous member counts once in the bound, however often it sends, and by its way from where it began", () => {
  const handler = new AsyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
  });
  const update = (parameters: ParameterVector) => ({ round: 1, numSamples: 1, parameters });
  const base = new Float32Array(MANIFEST.length);
  for (const rank of [2, 3, 4]) handler.noteUpdate(rank, 0.1, update(base));
  for (let i = 0; i < 100; i++) handler.noteUpdate(1, 1e6, update(base));
  assertThrows(() => handler.check(1, update(moved(base, 100))), ProtocolError, "at most 10.0");
  // A client that began before others moved the model has itself not moved far.
  handler.parameters = moved(base, 1000);
  assertEquals(handler.check(2, update(moved(base, 0.25)), { base }), 1);
});

for (const name of ["fednova", "scaffold", "fedadam"]) {
  Deno.test(`${name} ${name === "fedadam" ? "takes any number" : "refuses ten times the number"} of steps that the plan makes of the samples`, () => {
    const handler = new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
      strategy: strategyOf(name),
      plan: { epochs: 3, batchSize: 10 },
    });
    const check = (numSamples: number, steps: number) =>
      handler.check(1, {
        round: 1,
        numSamples,
        steps,
        parameters: new Float32Array(MANIFEST.length),
      });
    for (const [samples, steps] of [[95, 30], [95, 1], [95, 300], [1, 3]] as const) {
      assertEquals(check(samples, steps), 0);
    }
    for (const [samples, steps] of [[95, 301], [95, 2 ** 53 - 1], [1, 31]] as const) {
      if (name === "fedadam") assertEquals(check(samples, steps), 0);
      else {assertEquals(
          assertThrows(() => check(samples, steps), ProtocolError).fault,
          "out-of-bounds",
        );}
    }
  });
}
