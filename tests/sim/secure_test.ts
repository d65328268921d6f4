/** Secure aggregation in simulations: sums of quantized updates, with masks and without. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  CannotTrainError,
  DeadlineError,
  digits,
  FedAvg,
  initialParameters,
  mlp,
  NativeSGDHandler,
  parseStrategy,
  type ServerEvent,
  ServerSyncTop,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
  type TrainResult,
} from "../../mod.ts";
import type { ParameterUpdatePayload } from "../../src/wire/messages.ts";
import { ClearSum } from "../../src/secure/clear_sum.ts";
import { LANES, quantizeUpdate } from "../../src/secure/quantize.ts";
import { InProcessPool, type MakeClientHandler } from "../../src/sim/mod.ts";

const all = await digits();
const model = mlp({ inputShape: [8, 8, 1], numClasses: 10, hiddenUnits: 8 });
const COUNTS = [20, 30, 40, 50, 60, 70];
const parts = COUNTS.map((count, i) => Array.from({ length: count }, (_, j) => i * 75 + j));
const seed = 3;
const secureAggregation = { minMembers: 3, maxMembers: 6, clip: 1, maxSamples: 100 };

async function optionsOf(
  options: Partial<SyncParameterServerHandlerOptions> = {},
): Promise<SyncParameterServerHandlerOptions> {
  return { ...await initialParameters(model, seed), model, seed, ...options };
}

async function simulate(
  options: Partial<SyncParameterServerHandlerOptions>,
  more: Partial<SimulationOptions> = {},
) {
  const handler = new SyncParameterServerHandler(await optionsOf(options));
  const simulation = new Simulation(handler, {
    ...{ train: all, test: all, parts, rounds: 2, pool: InProcessPool.start, ...more },
  });
  return { handler, report: await simulation.run() };
}

/** Handler that keeps the updates of each round. */
class Keeper extends SyncParameterServerHandler {
  readonly updates: ParameterUpdatePayload[][] = [];
  override beginRound(round: number, numClients: number): void {
    this.updates.push([]);
    super.beginRound(round, numClients);
  }
  override onReceive(rank: number, payload: ParameterUpdatePayload): void {
    this.updates.at(-1)?.push({ ...payload, parameters: payload.parameters.slice() });
    super.onReceive(rank, payload);
  }
}

Deno.test("the model moves by the mean of the quantized updates, whose weights are the samples", async () => {
  const keeper = new Keeper(await optionsOf());
  const base = keeper.parameters.slice();
  const common = { train: all, test: all, parts, rounds: 1, pool: InProcessPool.start };
  await new Simulation(keeper, common).run();
  const { handler, report } = await simulate({ secureAggregation }, { rounds: 1 });
  const ring = handler.secure?.ring;
  assert(ring);
  const sum = new ClearSum(base.length + LANES);
  const exact = new Float64Array(base.length);
  let clamped = 0;
  for (
    const [i, { parameters, numSamples = 0, loss = NaN, steps = 0 }] of keeper.updates[0]!.entries()
  ) {
    const update = parameters.map((value, j) => value - (base[j] ?? 0));
    const figures = { samples: numSamples, loss, steps };
    sum.add(quantizeUpdate(ring, update, figures, { seed, round: 1, rank: i + 1 }));
    update.forEach((value, j) => {
      if (Math.abs(value) > ring.clip) clamped++;
      exact[j]! += Math.min(Math.max(value, -1), 1) * numSamples;
    });
  }
  const samples = COUNTS.reduce((total, count) => total + count);
  const factor = ring.clip * ring.maxSamples / (ring.levels * samples);
  const steps = new Int32Array(sum.finish().buffer);
  const expected = base.map((value, i) => value + factor * steps[i]!);
  assertEquals(handler.parameters, expected);
  // The steps of rounding are far below float32's precision of the parameters.
  handler.parameters.forEach((value, i) => {
    assertAlmostEquals(value, base[i]! + exact[i]! / samples, 1e-6);
  });
  const { secure, trainLoss = NaN } = report.rounds[0]!;
  assertEquals(secure, {
    ...{ degree: 5, threshold: 5, members: 6, shared: 6, masked: 6, revealed: 6 },
    ...{
      samples,
      steps: COUNTS.reduce((total, count) => total + Math.ceil(count / 10), 0),
      clamped,
    },
  });
  const loss = keeper.updates[0]!.reduce(
    (sum, { loss = NaN, numSamples = 0 }) => sum + loss * numSamples,
    0,
  );
  assertAlmostEquals(trainLoss, loss / samples, 1e-4);
});

for (
  const strategy of ["fedavg", "fedadam", "fedprox", "fedavgm", "ditto", "fedper:local=hidden/"]
) {
  Deno.test(`with masks and without, ${strategy} makes the same model`, async () => {
    const common = { secureAggregation, fraction: 0.7 };
    const [clear, masked] = [
      await simulate({ ...common, strategy: parseStrategy(strategy) }),
      await simulate({ ...common, strategy: parseStrategy(strategy) }, { makeMasks: true }),
    ];
    assertEquals(clear.report.modelDigest, masked.report.modelDigest);
    assertEquals(
      clear.report.rounds.map(({ secure }) => secure),
      masked.report.rounds.map(({ secure }) => secure),
    );
    const plain = await simulate({ fraction: 0.7, strategy: parseStrategy(strategy) });
    assert(plain.report.modelDigest !== clear.report.modelDigest);
    plain.handler.parameters.forEach((value, i) => {
      assertAlmostEquals(value, clear.handler.parameters[i]!, 1e-4);
    });
  });
}

/** Clients of which some cannot train, or fail, in a round. */
function clientsWith(fail: (rank: number, round: number) => Error | undefined): MakeClientHandler {
  return ({ rank, data, rows }) => {
    class Failing extends NativeSGDHandler {
      override async train(
        ...[plan, ...rest]: Parameters<NativeSGDHandler["train"]>
      ): Promise<TrainResult> {
        const error = fail(rank ?? 0, plan.round);
        if (error) throw error;
        return await super.train(plan, ...rest);
      }
    }
    return new Failing({ data: data!, ...(rows && { rows }) });
  };
}

Deno.test("a client that fails in a round is dropped from the sum, with masks and without", async () => {
  const handler = clientsWith((rank, round) =>
    rank === 2 && round === 2 ? new Error("lost") : undefined
  );
  const [clear, masked] = [
    await simulate({ secureAggregation }, { handler, rounds: 3 }),
    await simulate({ secureAggregation }, { handler, rounds: 3, makeMasks: true }),
  ];
  assertEquals(clear.report.modelDigest, masked.report.modelDigest);
  for (const { report } of [clear, masked]) {
    assertEquals(report.rounds.map(({ received }) => received), [6, 5, 5]);
    assertEquals(report.rounds.map(({ secure }) => [secure?.members, secure?.masked]), [[6, 6], [
      6,
      5,
    ], [5, 5]]);
    assertEquals(report.rounds[1]?.losses, [{ rank: 2, reason: "lost" }]);
  }
});

Deno.test("a round with fewer updates than the threshold ends without a model, and the run says why", async () => {
  const handler = clientsWith((rank) =>
    rank <= 2 ? new CannotTrainError("my loss is 1234.5") : undefined
  );
  for (const makeMasks of [false, true]) {
    const error = await assertRejects(
      () => simulate({ secureAggregation }, { handler, makeMasks, roundTries: 2 }),
      DeadlineError,
    );
    assertEquals(error.message.includes("1234.5"), false);
    assertMatch(error.message, /^Round 1 has 0 of \d updates, .*: .*the reason is not told/);
  }
});

Deno.test("a group with rounds of too few clients, or of too many, is refused when the run is made", async () => {
  for (const wrong of [{ minMembers: 5 }, { minMembers: 3, maxMembers: 5 }]) {
    const fraction = wrong.minMembers === 5 ? 0.5 : 1;
    const options = { secureAggregation: { ...secureAggregation, ...wrong }, fraction };
    await assertRejects(() => simulate(options), RangeError, "expected rounds of");
    const handler = new SyncParameterServerHandler(await optionsOf(options));
    assertThrows(
      () => new ServerSyncTop(handler, { listen: "few", worldSize: 7, rounds: 1 }),
      RangeError,
      "Cannot make a server: expected rounds of",
    );
  }
});

Deno.test("a cohort that has become too small begins no session", async () => {
  const handler = clientsWith((rank) => rank <= 2 ? new Error("lost") : undefined);
  const options = { secureAggregation: { ...secureAggregation, minMembers: 5 } };
  await assertRejects(() => simulate(options, { handler }), DeadlineError, "expected 5");
});

Deno.test("a simulation tells its masks, and no figure of a single client", async () => {
  const events: ServerEvent[] = [];
  const { handler, report } = await simulate({ secureAggregation }, {
    onEvent: (event) => events.push(event),
  });
  assertEquals(report.secure?.guarantee, "none: a simulation adds the updates up without masks");
  assertEquals(
    [...handler.known.values()].map(({ numSamples }) => numSamples),
    COUNTS.map(() => undefined),
  );
  const received = events.filter(({ type }) => type === "update-received");
  assertEquals(received[0], {
    type: "update-received",
    round: 1,
    rank: 1,
    received: 1,
    expected: 6,
  });
  const text = JSON.stringify([events, report, handler.saveState()]);
  for (const name of ["numSamples", "norm", "trainByRank", "work"]) {
    assert(!text.includes(`"${name}"`), name);
  }
});

Deno.test("a handler takes sums of whole rounds alone, and its plan has no secure aggregation of its own", async () => {
  const handler = new SyncParameterServerHandler(
    await optionsOf({ secureAggregation, strategy: new FedAvg() }),
  );
  const ring = handler.secure!.ring;
  assertThrows(
    () => handler.takeSum(ring, new Uint32Array(handler.parameters.length + LANES), []),
    Error,
    "no round is open",
  );
  handler.beginRound(1, 6);
  assertThrows(() => handler.takeSum(ring, new Uint32Array(3), []), RangeError, "expected sums of");
  const secure = { clip: 1, maxSamples: 10, maxMembers: 10 };
  const options = await optionsOf({ plan: { secure } });
  assertThrows(
    () => new SyncParameterServerHandler(options),
    RangeError,
    "as the option secureAggregation",
  );
});
