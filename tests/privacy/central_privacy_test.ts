import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Dataset,
  initialParameters,
  logisticRegression,
  parseStrategy,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { parseCodec } from "../../src/codec/mod.ts";
import { CentralPrivacy, type CentralPrivacyOptions, parsePrivacy } from "../../src/privacy/mod.ts";
import { InProcessPool, type SimulationOptions } from "../../src/sim/mod.ts";
import { CheckpointStore } from "../../src/store/checkpoint/files/checkpoint_store.ts";
import { DEFAULT_PLAN } from "../../src/round/handler/client_plan.ts";

const CLIENTS = 6, ROWS = 60;
const FTRL: CentralPrivacyOptions = {
  ...{ mechanism: "ftrl", epsilon: 8, delta: 1e-3 },
  ...{ rounds: 3, clients: CLIENTS, cohort: 2 },
};
const FEDAVG: CentralPrivacyOptions = { ...FTRL, mechanism: "fedavg" };

const data = new Dataset(
  Float32Array.from({ length: ROWS * 4 }, (_, i) => Math.sin(i * i)),
  Int32Array.from({ length: ROWS }, (_, i) => i % 3),
  [4],
  3,
);
const parts = Array.from(
  { length: CLIENTS },
  (_, part) => Array.from({ length: ROWS / CLIENTS }, (_, i) => i * CLIENTS + part),
);

/** Makes a simulation with a private strategy. */
async function simulation(
  strategy: CentralPrivacy,
  options: Partial<SimulationOptions> = {},
  more: Partial<ConstructorParameters<typeof SyncParameterServerHandler>[0]> = {},
) {
  const model = logisticRegression({ inputShape: [4], numClasses: 3 });
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    model,
    strategy,
    ...more,
  });
  return new Simulation(handler, {
    ...{ train: data, test: data, parts, rounds: 3, pool: InProcessPool.start },
    ...options,
  });
}

/** Opens a round of a strategy on a model of two values. */
function begin(strategy: CentralPrivacy, numClients = CLIENTS) {
  return strategy.begin(new Float32Array(2), { round: 1, numClients, plan: DEFAULT_PLAN });
}

for (const options of [FTRL, FEDAVG]) {
  const { mechanism } = options;

  Deno.test(`CentralPrivacy by ${mechanism} reports the epsilon that was asked for`, async () => {
    const strategy = new CentralPrivacy(options);
    const report = await (await simulation(strategy)).run();
    const { privacy } = report;
    assertAlmostEquals(privacy?.epsilon ?? NaN, 8, 1e-3);
    assertEquals((privacy?.epsilonContinuous ?? NaN) < 8, true);
    assertEquals(privacy?.releases, 3);
    assertEquals(privacy?.source, "system");
    assertEquals(privacy?.reproducible, false);
    assertEquals(report.strategy, `dp-${mechanism}`);
  });

  Deno.test(`reports by ${mechanism} have no figure of a client`, async () => {
    const report = await (await simulation(new CentralPrivacy(options))).run();
    const names = new Set<string>();
    JSON.stringify(report, (name, value) => (names.add(name), value));
    for (const name of ["trainLoss", "trainByRank", "trainMetrics", "clients", "outliers"]) {
      assertEquals(names.has(name), false, name);
    }
    const isSecret = mechanism === "fedavg";
    for (const round of report.rounds) assertEquals(round.cohort.length === 0, isSecret);
  });

  Deno.test(`models of one seed differ by ${mechanism}, but not with seeded noise`, async () => {
    const digest = async (noiseSeed?: number) => {
      const strategy = new CentralPrivacy({
        ...options,
        ...(noiseSeed !== undefined && { noiseSeed }),
      });
      return await (await simulation(strategy)).run();
    };
    assertEquals((await digest()).modelDigest === (await digest()).modelDigest, false);
    const seeded = await digest(5);
    assertEquals(seeded.modelDigest, (await digest(5)).modelDigest);
    assertEquals(seeded.privacy?.guarantee, "nothing: the noise is seeded");
    assertEquals(seeded.privacy?.epsilon, undefined);
  });

  Deno.test(`a run by ${mechanism} ends before a round that its budget has no room for`, async () => {
    const strategy = new CentralPrivacy(options);
    const report = await (await simulation(strategy, { rounds: 10 })).run();
    assertEquals(report.rounds.length, 3);
    assertEquals(report.stopped?.round, 3);
    assertEquals(report.stopped?.reason.startsWith("the privacy budget is spent"), true);
    assertEquals((report.privacy?.epsilon ?? NaN) <= 8 + 1e-6, true);
    assertThrows(() => begin(strategy), RangeError, "the privacy budget is spent");
  });

  Deno.test(`the sum by ${mechanism} is clipped and divided by the planned cohort`, () => {
    const { epsilon: _, ...rest } = options;
    const strategy = new CentralPrivacy({ ...rest, noise: 0.05, clip: 1, noiseSeed: 1 });
    const round = begin(strategy);
    // One of two planned updates comes, ten times as long as the clip; its samples do not count.
    round.accept({ rank: 1, parameters: new Float32Array([6, 8]), numSamples: 1000 });
    const [a = NaN, b = NaN] = round.finish();
    assertAlmostEquals(a, 0.6 / 2, 0.12);
    assertAlmostEquals(b, 0.8 / 2, 0.12);
  });

  Deno.test(`an account by ${mechanism} survives a restart, and fits its own noise alone`, () => {
    const strategy = new CentralPrivacy(options);
    begin(strategy).finish();
    const state = strategy.save();
    const resumed = new CentralPrivacy(options);
    resumed.restore(JSON.parse(JSON.stringify(state)));
    assertEquals(resumed.privacy.report.releases, 1);
    const other = new CentralPrivacy({ ...options, epsilon: 2 });
    assertThrows(() => other.restore(state), RangeError, "expected the noise");
    assertThrows(() => other.restore({}), TypeError, "expected an account of privacy, got none");
  });
}

Deno.test("an account goes on with nothing that would give it another epsilon", () => {
  const plan = { delta: 1e-5, rounds: 10, clients: 8, cohort: 2, noise: 1 };
  const cases = [
    [
      { mechanism: "fedavg", ...plan },
      { cohort: 1 },
      "expected the rate 0.25 of the run, got 0.125",
    ],
    [{ mechanism: "ftrl", ...plan }, { bands: 1 }, "expected the bands 4 of the run, got 1"],
    [{ mechanism: "ftrl", ...plan }, { noiseSeed: 1 }, "source system of the run, got seeded"],
  ] as const;
  for (const [options, changed, reason] of cases) {
    const { account } = new CentralPrivacy(options).privacy;
    const other = new CentralPrivacy({ ...options, ...changed });
    assertThrows(() => other.privacy.addAccount(account), RangeError, reason);
    // Accounts of earlier versions have less.
    const { rate: _, bands: __, source: ___, ...older } = account as Record<string, unknown>;
    other.privacy.addAccount(older);
  }
});

Deno.test("CentralPrivacy releases noise alone where chance draws nobody", async () => {
  const options = { ...FEDAVG, rounds: 12, cohort: 1 };
  const report = await (await simulation(new CentralPrivacy(options), { rounds: 12 })).run();
  assertEquals(report.rounds.length, 12);
  assertEquals(report.privacy?.releases, 12);
  assertEquals(report.rounds.every(({ received }) => received === 1), true);
});

Deno.test("the report of a secret cohort has no bytes, with a codec of the parameters either", async () => {
  const downlink = parseCodec("int8");
  for (const [options, areShown] of [[FEDAVG, false], [FTRL, true]] as const) {
    const run = await simulation(new CentralPrivacy(options), {}, { downlink });
    for (const round of (await run.run()).rounds) {
      assertEquals(round.bytesDown > 0, areShown);
      assertEquals("bytesDownWhole" in round, areShown);
    }
  }
});

Deno.test("a private run goes on from its checkpoint with its account", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const checkpoints = new CheckpointStore(folder);
    const options = { ...FTRL, rounds: 6 };
    await (await simulation(new CentralPrivacy(options), { rounds: 4, checkpoints })).run();
    const resume = await checkpoints.latest();
    if (resume === undefined) throw new Error("no checkpoint was written");
    const resumed = await simulation(new CentralPrivacy(options), { rounds: 9, resume });
    const { rounds, privacy, stopped } = await resumed.run();
    assertEquals(rounds.length, 6);
    assertEquals(privacy?.releases, 6);
    assertEquals(privacy?.participationsMost, 2);
    assertAlmostEquals(privacy?.epsilon ?? NaN, 8, 1e-3);
    assertEquals(stopped?.reason.startsWith("the privacy budget is spent"), true);
    // A save that fails once is made up for before the next round.
    const saved: number[] = [];
    let saves = 0;
    const save: CheckpointStore["save"] = async (checkpoint) => {
      if (++saves === 2) throw new Error("the disk is full");
      saved.push(checkpoint.round);
      return await checkpoints.save(checkpoint);
    };
    const failing = { save, latest: () => checkpoints.latest(), best: () => checkpoints.best() };
    await (await simulation(new CentralPrivacy(options), { checkpoints: failing })).run();
    assertEquals(new Set(saved), new Set([1, 2, 3]));
    await assertRejects(
      () => simulation(new CentralPrivacy(options), { checkpoints, checkpointEvery: 2 }),
      RangeError,
      "a checkpoint after each round",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("CentralPrivacy by ftrl selects clients in turn, and refuses others", async () => {
  const run = await simulation(new CentralPrivacy(FTRL));
  const { rounds } = await run.run();
  assertEquals(rounds.map(({ cohort }) => cohort), [[1, 2], [3, 4], [5, 6]]);
  const strategy = new CentralPrivacy({ ...FTRL, rounds: 6 });
  const first = begin(strategy);
  first.accept({ rank: 1, parameters: new Float32Array(2), numSamples: 1 });
  first.finish();
  const update = { rank: 1, parameters: new Float32Array(2), numSamples: 1 };
  assertThrows(() => begin(strategy).check?.(update), RangeError, "rank 1: it took part");
});

Deno.test("CentralPrivacy lets the clip follow the norms", () => {
  const strategy = new CentralPrivacy({
    ...{ mechanism: "fedavg", noise: 0.3, delta: 1e-3, rounds: 80, clients: 200, cohort: 100 },
    ...{ clip: 0.1, adaptive: {}, noiseSeed: 2 },
  });
  for (let i = 0; i < 70; i++) {
    const round = begin(strategy, 200);
    for (let rank = 1; rank <= 100; rank++) {
      round.accept({ rank, parameters: new Float32Array([rank / 50, 0]), numSamples: 1 });
    }
    round.finish();
  }
  assertAlmostEquals(strategy.privacy.report.clip, 1, 0.15);
});

Deno.test("CentralPrivacy gives the private mean to a server optimizer", () => {
  const options = { ...FTRL, noiseSeed: 3, then: parseStrategy("fedavgm:lr=2,momentum=0") };
  const plain = begin(new CentralPrivacy({ ...FTRL, noiseSeed: 3 })).finish().slice();
  const strategy = new CentralPrivacy(options);
  assertEquals(strategy.name, "dp-ftrl of fedavgm");
  begin(strategy).finish().forEach((value, i) => {
    assertAlmostEquals(value, 2 * (plain[i] ?? NaN), 1e-5);
  });
});

const WRONG: readonly (readonly [Partial<CentralPrivacyOptions>, string])[] = [
  [{ delta: 0 }, "a delta above 0 and below 1, got 0"],
  [{ epsilon: 0 }, "an epsilon above 0, got 0"],
  [{ noise: 1 }, "expected epsilon or noise, got both"],
  [{ clip: 0 }, "a finite clip above 0, got 0"],
  [{ clip: Infinity }, "a finite clip above 0, got Infinity"],
  [{ cohort: 7 }, "a cohort of 1 to 6 clients, got 7"],
  [{ rounds: 0 }, "a whole number of rounds from 1, got 0"],
  [{ bands: 4 }, "1 to 3 bands"],
  [{ adaptive: {} }, "no adaptive clip with ftrl"],
];
for (const [options, message] of WRONG) {
  Deno.test(`CentralPrivacy refuses ${JSON.stringify(options)}`, () => {
    assertThrows(() => new CentralPrivacy({ ...FTRL, ...options }), RangeError, message);
  });
}

Deno.test("CentralPrivacy refuses noise of 0, and neither epsilon nor noise", () => {
  const { epsilon: _, ...rest } = FTRL;
  assertThrows(() => new CentralPrivacy({ ...rest, noise: 0 }), RangeError, "got 0");
  assertThrows(() => new CentralPrivacy(rest), RangeError, "epsilon or noise, got neither");
});

Deno.test("CentralPrivacy warns of a delta above 1 / clients and of seeded noise", () => {
  assertEquals(new CentralPrivacy(FTRL).warnings, []);
  const { warnings } = new CentralPrivacy({ ...FTRL, delta: 0.5, noiseSeed: 1 });
  assertEquals(warnings.length, 2);
  assertEquals(warnings[0]?.startsWith("delta 0.5 is above 1 / 6 clients"), true);
});

Deno.test("CentralPrivacy is for the group and the kind of model that its guarantee is for", async () => {
  assertThrows(() => begin(new CentralPrivacy(FTRL), 5), RangeError, "expected the 6 clients");
  const info = { round: 1, numClients: CLIENTS, plan: DEFAULT_PLAN, untrained: [[0, 1]] as const };
  assertThrows(
    () => new CentralPrivacy(FTRL).begin(new Float32Array(2), info),
    RangeError,
    "moving statistics",
  );
  const run = await simulation(new CentralPrivacy({ ...FTRL, clients: 7 }));
  await assertRejects(() => run.run(), RangeError, "expected the 7 clients");
});

Deno.test("CentralPrivacy refuses a change that is not finite", () => {
  const update = { rank: 1, parameters: new Float32Array([NaN, 0]), numSamples: 1 };
  assertThrows(() => begin(new CentralPrivacy(FTRL)).accept(update), RangeError, "finite change");
});

Deno.test("choices that do not go with privacy are refused in one line", async () => {
  const make = (then: string, more = {}, options: Partial<SimulationOptions> = {}) =>
    simulation(new CentralPrivacy({ ...FTRL, then: parseStrategy(then) }), options, more);
  for (
    const name of ["median", "fednova", "qfedavg", "scaffold", "feddyn", "fedsgd", "krum"]
  ) {
    await assertRejects(() => make(name), RangeError, "does not go with differential privacy");
  }
  const wrong = [
    ["over-selection", { overSelection: 0.5 }, {}],
    ["exact aggregation", { aggregation: "exact" }, {}],
    ["selection by samples", { selection: { name: "samples", select: () => [1] } }, {}],
    ["evaluation by the clients", {}, { evaluateClients: true }],
  ] as const;
  for (const [message, more, options] of wrong) {
    await assertRejects(() => make("fedavg", more, options), RangeError, message);
  }
  for (const name of ["fedadam", "fedavgm", "fedprox", "ditto"]) await make(name);
});

Deno.test("parsePrivacy() reads mechanisms with their options", () => {
  assertEquals(parsePrivacy("ftrl:epsilon=8,delta=1e-5,bands=4"), {
    ...{ mechanism: "ftrl", epsilon: 8, delta: 1e-5, bands: 4 },
  });
  assertEquals(parsePrivacy("fedavg:noise=1,delta=1e-5,quantile=0.7").adaptive, { quantile: 0.7 });
  assertThrows(() => parsePrivacy("ftrl:epsilon=8"), RangeError, "expected delta beside epsilon");
  assertThrows(() => parsePrivacy("laplace:epsilon=8"), RangeError, "expected one of ftrl, fedavg");
  assertThrows(() => parsePrivacy("ftrl:delta=1e-5,quantile=.5"), RangeError, "got quantile");
  assertThrows(() => parsePrivacy("ftrl:delta=x"), RangeError, "expected delta to be a number");
});
