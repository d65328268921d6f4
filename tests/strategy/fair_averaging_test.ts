import { assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  type ClientUpdate,
  DEFAULT_PLAN,
  FedAvg,
  FedAvgM,
  FedDyn,
  FedNova,
  FedProx,
  NormClipping,
  ProtocolError,
  QFedAvg,
  Scaffold,
  type Strategy,
  SyncParameterServerHandler,
  type TrainSettings,
  TrimmedMean,
} from "../../mod.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";
import {
  bitsOf,
  INFO,
  normalVector,
  roundOf,
  updateOf,
} from "../../src/testing/strategy/updates.ts";
import { testStrategy } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testStrategy(() => new FedNova());
testStrategy(() => new QFedAvg({ q: 0 }));
testStrategy(() => new QFedAvg({ q: 2 }), { agrees: false });
testStrategy(() => new NormClipping({ bound: 1e9 }));
testStrategy(() => new NormClipping({ bound: 1, mean: new TrimmedMean() }), {
  updates: 3,
  agrees: false,
});

const LENGTH = 500;

function updatesOf(more: (rank: number) => Partial<ClientUpdate> = () => ({})): ClientUpdate[] {
  return [1, 2, 3, 4, 5].map((rank) => updateOf(rank, normalVector(LENGTH, rank), more(rank)));
}

/** A coordinate of each update. */
function at(updates: readonly ClientUpdate[], i: number): number[] {
  return updates.map(({ parameters }) => parameters[i] ?? NaN);
}

Deno.test("FedNova of clients that take equally many steps is FedAvg bit for bit", () => {
  const global = normalVector(LENGTH, 0);
  for (const steps of [1, 7, 60]) {
    const updates = updatesOf(() => ({ steps }));
    const expected = bitsOf(roundOf(new FedAvg(), global, updates));
    assertEquals(bitsOf(roundOf(new FedNova(), global, updates)), expected);
    assertEquals(bitsOf(roundOf(new FedNova({ momentum: 0.9 }), global, updates)), expected);
  }
});

Deno.test("FedNova is w + τ_eff Σ p (w_k - w) / ‖a‖, with a of momentum added up step by step", () => {
  const global = normalVector(LENGTH, 0);
  const updates = updatesOf((rank) => ({ steps: rank ** 2 }));
  for (const momentum of [0, 0.9]) {
    const lengths = updates.map(({ steps = 0 }) => {
      // After each step the velocity is ρ times the last one plus the new gradient; a gradient
      // counts
      // as often as it is part of a velocity.
      let velocity = 0, way = 0;
      for (let i = 0; i < steps; i++) way += velocity = momentum * velocity + 1;
      return way;
    });
    const total = updates.reduce((sum, { numSamples }) => sum + numSamples, 0);
    const p = updates.map(({ numSamples }) => numSamples / total);
    const effective = p.reduce((sum, share, k) => sum + share * (lengths[k] ?? NaN), 0);
    roundOf(new FedNova({ momentum }), global, updates).forEach((value, i) => {
      const w = global[i] ?? NaN;
      const step = at(updates, i).reduce(
        (sum, x, k) => sum + (p[k] ?? NaN) * (x - w) / (lengths[k] ?? NaN),
        0,
      );
      assertAlmostEquals(value, w + effective * step, 1e-5);
    });
  }
});

/** The value after a round of two clients who go different ways by these settings. */
function planned(strategy: Strategy, plan: Partial<TrainSettings>): number {
  const round = strategy.begin(new Float32Array([5]), {
    ...INFO,
    plan: { ...DEFAULT_PLAN, ...plan, ...strategy.clientSettings },
  });
  round.accept(updateOf(1, new Float32Array([4]), { numSamples: 1, steps: 2 }));
  round.accept(updateOf(2, new Float32Array([9]), { numSamples: 2, steps: 12 }));
  return round.finish()[0] ?? NaN;
}

Deno.test("FedNova takes momentum and proximal term from the clients' settings, with a added up step by step", () => {
  for (
    const [strategy, { momentum = 0, proximal = 0 }] of [
      [new FedNova(), { momentum: 0.9 }],
      [new FedNova({ momentum: 0.9 }), { momentum: 0.9 }],
      [new FedNova(), { proximal: 3 }],
      [new FedProx({ mu: 3, mean: new FedNova() }), { proximal: 3 }],
    ] as const satisfies [Strategy, Partial<TrainSettings>][]
  ) {
    const [one = NaN, two = NaN] = [2, 12].map((steps) => {
      // Distance, in learning rates, of a client whose gradient is 1 in each step; the proximal
      // term
      // pulls it back.
      let velocity = 0, way = 0;
      for (let i = 0; i < steps; i++) {
        way += velocity = momentum * velocity + 1 - proximal * DEFAULT_PLAN.learningRate * way;
      }
      return way;
    });
    const effective = (one + 2 * two) / 3, step = (-1 / one + 2 * 4 / two) / 3;
    assertAlmostEquals(planned(strategy, { momentum, proximal }), 5 + effective * step, 1e-5);
  }
});

Deno.test("q-FedAvg takes the learning rate from the clients' settings", () => {
  for (const learningRate of [0.001, 0.1, 2]) {
    const given = new QFedAvg({ q: 1, learningRate });
    assertEquals(
      planned(new QFedAvg({ q: 1 }), { learningRate }),
      planned(given, { learningRate }),
    );
  }
  const [slow, fast] = [0.001, 2].map((learningRate) =>
    planned(new QFedAvg({ q: 1 }), { learningRate })
  );
  assertEquals(slow === fast, false);
});

Deno.test("a server refuses settings of its clients that its strategy does not go with, also inside another", () => {
  const make = (strategy: Strategy, plan: Partial<TrainSettings>) =>
    new SyncParameterServerHandler({
      manifest: vectorManifest(1),
      parameters: new Float32Array(1),
      strategy,
      plan,
    });
  const error = (strategy: Strategy, plan: Partial<TrainSettings>, message: string) =>
    assertThrows(() => make(strategy, plan), RangeError, message);
  const nova = new FedNova({ momentum: 0.9 });
  const other = "Cannot train by fednova: expected the clients' momentum 0.9, got 0";
  for (
    const strategy of [
      nova,
      new NormClipping({ bound: 1, mean: nova }),
      new FedAvgM({ mean: nova }),
      new FedProx({ mean: nova }),
    ]
  ) error(strategy, {}, other);
  error(new FedNova(), { optimizer: "adam" }, "fednova does not go with Adam");
  error(new FedNova(), { momentum: 0.5, nesterov: true }, "with Nesterov's momentum");
  error(new FedNova(), { momentum: 0.5, keepMomentum: true }, "with momentum kept");
  error(new FedNova(), { momentum: 0.5, proximal: 1 }, "with a proximal term with momentum");
  error(new FedNova(), { proximal: 11 }, "with a proximal term of 1 / learning rate or more");
  make(new FedNova(), { keepMomentum: true });
  make(nova, { momentum: 0.9 });
  error(
    new QFedAvg({ learningRate: 0.2 }),
    {},
    "Cannot train by qfedavg: expected the clients' learningRate 0.2, got 0.1",
  );
  error(new QFedAvg(), { learningRate: 0 }, "expected a learning rate above 0, got 0");
  make(new QFedAvg({ learningRate: 0.2 }), { learningRate: 0.2 });
});

Deno.test("NormClipping refuses strategies whose clients reckon with what they sent, also inside another", () => {
  for (
    const mean of [
      new Scaffold(),
      new FedDyn(),
      new FedProx({ mean: new Scaffold() }),
      new FedAvgM({ mean: new Scaffold() }),
    ]
  ) {
    assertThrows(
      () => new NormClipping({ bound: 1, mean }),
      RangeError,
      `Cannot make norm-clipping: expected a mean of parameters, got ${mean.name}, whose clients`,
    );
  }
});

Deno.test("q-FedAvg with q = 0 is FedAvg of clients with equally many samples, bit for bit", () => {
  const global = normalVector(LENGTH, 0);
  const expected = roundOf(new FedAvg(), global, updatesOf(() => ({ numSamples: 3 })));
  assertEquals(bitsOf(roundOf(new QFedAvg({ q: 0 }), global, updatesOf())), bitsOf(expected));
});

Deno.test("q-FedAvg is algorithm 2 of Li et al. in float64", () => {
  const global = normalVector(LENGTH, 0);
  const updates = updatesOf();
  for (const [q, learningRate] of [[0.2, 0.1], [1, 3], [5, 0.5]] as const) {
    const lipschitz = 1 / learningRate;
    const terms = updates.map(({ parameters, metrics }) => {
      const loss = metrics?.initialLoss ?? NaN;
      const w = Array.from(global, (x, i) => lipschitz * (x - (parameters[i] ?? NaN)));
      const square = w.reduce((sum, x) => sum + x * x, 0);
      return {
        delta: w.map((x) => loss ** q * x),
        h: q * loss ** (q - 1) * square + lipschitz * loss ** q,
      };
    });
    const h = terms.reduce((sum, term) => sum + term.h, 0);
    roundOf(new QFedAvg({ q, learningRate }), global, updates).forEach((value, i) => {
      const delta = terms.reduce((sum, term) => sum + (term.delta[i] ?? NaN), 0);
      assertAlmostEquals(value, (global[i] ?? NaN) - delta / h, 1e-6);
    });
  }
});

Deno.test("NormClipping leaves what is within the bound as it is, bit for bit, and clips the rest to it", () => {
  const global = normalVector(LENGTH, 0);
  const updates = updatesOf();
  const distance = (one: Float32Array) => Math.hypot(...one.map((x, i) => x - (global[i] ?? NaN)));
  assertEquals(
    bitsOf(roundOf(new NormClipping({ bound: 100 }), global, updates)),
    bitsOf(roundOf(new FedAvg(), global, updates)),
  );
  for (const factor of [1, 1e3, 1e30]) {
    const parameters = normalVector(LENGTH, 1).map((x) => factor * x);
    const clipped = roundOf(new NormClipping({ bound: 2 }), global, [updateOf(1, parameters)]);
    assertAlmostEquals(distance(clipped), 2, 1e-4);
    const scale = 2 / Math.hypot(...parameters.map((x, i) => (x - (global[i] ?? NaN)) / factor));
    clipped.forEach((value, i) => {
      const w = global[i] ?? NaN;
      assertAlmostEquals(value, w + scale * ((parameters[i] ?? NaN) - w) / factor, 1e-4);
    });
  }
});

Deno.test("an update that lacks what the strategy needs is refused, and the server goes on", () => {
  const parameters = new Float32Array(2);
  const handler = (strategy: FedNova | QFedAvg) =>
    new SyncParameterServerHandler({ manifest: vectorManifest(2), parameters, strategy });
  const payload = { round: 1, numSamples: 1, parameters: new Float32Array([2, 4]) };
  const nova = handler(new FedNova());
  nova.beginRound(1, 4);
  for (const steps of [undefined, 0, 1.5]) {
    const error = assertThrows(
      () => nova.check(3, { ...payload, ...(steps !== undefined && { steps }) }),
      ProtocolError,
      `the update of rank 3 by fednova: expected a whole number of steps from 1, got ${
        steps ?? "none"
      }`,
    );
    assertEquals(error.fault, "invalid-field");
  }
  nova.check(3, { ...payload, steps: 2 });
  nova.onReceive(3, { ...payload, steps: 2 });
  nova.updateModel();
  assertEquals([...nova.parameters], [2, 4]);

  const fair = handler(new QFedAvg({ q: 3 }));
  for (
    const [initialLoss, wanted] of [
      [undefined, "a number from 0"],
      [-1, "a number from 0"],
      [Infinity, "whose power q = 3 is at most 1e+100"],
      [1e40, "whose power q = 3 is at most 1e+100"],
    ] as const
  ) {
    assertThrows(
      () =>
        fair.check(1, { ...payload, metrics: initialLoss === undefined ? {} : { initialLoss } }),
      ProtocolError,
      `expected the metric initialLoss, ${wanted}, got ${initialLoss ?? "none"}`,
    );
  }
  fair.beginRound(1, 4);
  const sent = { ...payload, metrics: { initialLoss: 0 } };
  fair.check(1, sent);
  fair.onReceive(1, sent);
  fair.updateModel();
  assertEquals(fair.parameters.every(Number.isFinite), true);
});
