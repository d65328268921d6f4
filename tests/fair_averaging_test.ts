import { assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  type ClientUpdate,
  FedAvg,
  FedNova,
  NormClipping,
  ProtocolError,
  QFedAvg,
  SyncParameterServerHandler,
  TrimmedMean,
} from "../mod.ts";
import { vectorManifest } from "./_fake_handler.ts";
import {
  bitsOf,
  normalVector,
  roundOf,
  testStrategyCompliance,
  updateOf,
} from "./_strategy_compliance.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testStrategyCompliance(() => new FedNova());
testStrategyCompliance(() => new QFedAvg({ q: 0 }));
testStrategyCompliance(() => new QFedAvg({ q: 2 }), { agrees: false });
testStrategyCompliance(() => new NormClipping({ bound: 1e9 }));
testStrategyCompliance(() => new NormClipping({ bound: 1, mean: new TrimmedMean() }), {
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
      // After each step the velocity is ρ times the last one and the new gradient; a gradient counts as often as it is in a velocity.
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
  for (const initialLoss of [undefined, -1, Infinity, 1e40]) {
    assertThrows(
      () =>
        fair.check(1, { ...payload, metrics: initialLoss === undefined ? {} : { initialLoss } }),
      ProtocolError,
      `expected the metric initialLoss, a number from 0, got ${initialLoss ?? "none"}`,
    );
  }
  fair.beginRound(1, 4);
  const sent = { ...payload, metrics: { initialLoss: 0 } };
  fair.check(1, sent);
  fair.onReceive(1, sent);
  fair.updateModel();
  assertEquals(fair.parameters.every(Number.isFinite), true);
});
