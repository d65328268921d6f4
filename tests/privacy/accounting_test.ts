import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  gaussianDelta,
  gaussianEpsilon,
  gaussianNoise,
  zcdpEpsilon,
  zcdpNoise,
} from "../../src/privacy/accounting/gaussian.ts";
import { LossDistribution, pldEpsilon } from "../../src/privacy/accounting/pld.ts";
import {
  rdpEpsilon,
  rdpToEpsilon,
  REAL_ORDERS,
  sampledGaussianRdp,
  WHOLE_ORDERS,
} from "../../src/privacy/accounting/rdp.ts";
import fixture from "../fixtures/privacy/accounting.json" with { type: "json" };

Deno.test("sampledGaussianRdp() equals numerical integration by SciPy at all orders", () => {
  for (const { noise, rate, order, value } of fixture.divergences) {
    const found = sampledGaussianRdp({ noise, rate }, order);
    assertAlmostEquals(found / value, 1, 1e-9, `${rate} ${noise} ${order}`);
  }
});

Deno.test("sampledGaussianRdp() has the published values of dp-accounting at whole orders", () => {
  const rows = [
    [.1, 1, 2, 1.7036863236e-2],
    [.1, 1, 4, 5.8672606960e-2],
    [.1, 1, 8, 1.3783614113],
    [.1, 1, 32, 13.623137969],
    [.01, 1, 2, 1.7181342207e-4],
    [.01, 1, 8, 8.9364390761e-4],
    [.02, 1.3, 4, 6.7245939786e-4],
    [.5, 2, 64, 7.2958506300],
  ] as const;
  for (const [rate, noise, order, value] of rows) {
    assertAlmostEquals(sampledGaussianRdp({ noise, rate }, order) / value, 1, 1e-10);
  }
});

Deno.test("sampledGaussianRdp() without sampling is order / 2 noise²", () => {
  assertEquals(sampledGaussianRdp({ noise: 2, rate: 1 }, 3.5), 3.5 / 8);
});

Deno.test("sampledGaussianRdp() is continuous from a whole order to those beside it", () => {
  for (const [noise, rate] of [[1, .1], [.3, .02], [4, .5]] as const) {
    const at = (order: number) => sampledGaussianRdp({ noise, rate }, order);
    assertAlmostEquals(at(3 + 1e-9) / at(3), 1, 1e-6);
    assertAlmostEquals(at(9 - 1e-9) / at(9), 1, 1e-6);
  }
});

Deno.test("rdpToEpsilon() converts by the best order", () => {
  const orders = [2, 4, 8, 16, 32];
  const small = rdpToEpsilon(orders, [.01, .02, .04, .08, .16], 1e-5);
  assertAlmostEquals(small.epsilon, 0.38783806, 1e-8);
  assertEquals(small.order, 32);
  const large = rdpToEpsilon(orders, [1, 2, 4, 8, 16], 1e-5);
  assertAlmostEquals(large.epsilon, 5.08786163, 1e-8);
  assertEquals(large.order, 4);
});

Deno.test("rdpEpsilon() equals dp-accounting with whole orders", () => {
  for (const { delta, whole, ...kind } of fixture.releases) {
    assertAlmostEquals(rdpEpsilon([kind], delta).epsilon / whole, 1, 1e-6, JSON.stringify(kind));
  }
});

Deno.test("rdpEpsilon() with real orders is no more than dp-accounting's bound on them", () => {
  for (const { delta, real, pld, ...kind } of fixture.releases) {
    const { epsilon, order } = rdpEpsilon([kind], delta, REAL_ORDERS);
    const name = JSON.stringify(kind);
    assertEquals(epsilon <= real * (1 + 2e-6), true, name);
    assertEquals(epsilon > pld - 1e-3, true, name);
    // Its series at other orders adds absolute values of terms that alternate.
    if (Number.isInteger(order) || order > 6) assertAlmostEquals(epsilon, real, 1e-5, name);
  }
});

Deno.test("rdpEpsilon() adds releases of several kinds", () => {
  const releases = [{ noise: 1, rate: .1, count: 30 }, { noise: 2, rate: .1, count: 70 }];
  const parts = releases.map((kind) =>
    WHOLE_ORDERS.map((order) => kind.count * sampledGaussianRdp(kind, order))
  );
  const sums = WHOLE_ORDERS.map((_, i) => (parts[0]?.[i] ?? 0) + (parts[1]?.[i] ?? 0));
  assertEquals(rdpEpsilon(releases, 1e-5), rdpToEpsilon(WHOLE_ORDERS, sums, 1e-5));
  assertEquals(rdpEpsilon(releases, 1e-5, REAL_ORDERS).epsilon <= 5.261924, true);
  assertEquals(rdpEpsilon([], 1e-5).epsilon, 0);
});

Deno.test("pldEpsilon() is within 1e-3 of dp-accounting", () => {
  // The two with the largest losses take seconds.
  for (const { delta, pld, ...kind } of fixture.releases.filter(({ pld }) => pld < 20)) {
    assertAlmostEquals(pldEpsilon([kind], delta), pld, 1e-3, JSON.stringify(kind));
  }
});

Deno.test("LossDistribution composes releases of several kinds", () => {
  const releases = [{ noise: 1, rate: .1, count: 30 }, { noise: 2, rate: .1, count: 70 }];
  const losses = new LossDistribution(releases);
  assertAlmostEquals(losses.epsilon(1e-5), 4.59030, 1e-3);
  assertAlmostEquals(losses.delta(4) / 5.5526e-5, 1, 1e-3);
  assertAlmostEquals(losses.delta(losses.epsilon(1e-5)) / 1e-5, 1, 1e-6);
});

Deno.test("LossDistribution of a Gaussian without sampling is Balle and Wang's", () => {
  for (const [noise, delta] of [[1, 1e-5], [.5, 1e-5], [2, 1e-6], [5, 1e-5], [1, 1e-3]] as const) {
    const found = pldEpsilon([{ noise, rate: 1, count: 1 }], delta);
    assertAlmostEquals(found, gaussianEpsilon(noise, delta), 1e-3);
  }
});

Deno.test("gaussianEpsilon() has the exact values of Balle and Wang's formula", () => {
  const rows = [
    [1, 1, 1e-5, 4.37717810],
    [1, 1, 1e-3, 3.13867055],
    [.5, 1, 1e-5, 9.99725615],
    [2, 1, 1e-6, 2.25408465],
    [5, 1, 1e-5, 0.72552175],
    [4, 10, 1e-6, 3.74721799],
  ] as const;
  for (const [noise, count, delta, epsilon] of rows) {
    const one = noise / Math.sqrt(count);
    assertAlmostEquals(gaussianEpsilon(one, delta), epsilon, 1e-8);
    assertAlmostEquals(gaussianDelta(one, epsilon) / delta, 1, 1e-6);
  }
});

Deno.test("gaussianNoise() has the exact values of Balle and Wang's formula", () => {
  const rows = [
    [.1, 1e-5, 30.74956613],
    [.5, 1e-5, 7.03182668],
    [1, 1e-5, 3.73063163],
    [1, 1e-6, 4.22467889],
    [2, 1e-5, 1.99381245],
    [4, 1e-5, 1.08116185],
    [8, 1e-5, 0.60022907],
    [10, 1e-5, 0.49988862],
    [1, 1e-3, 2.57465702],
  ] as const;
  for (const [epsilon, delta, noise] of rows) {
    assertAlmostEquals(gaussianNoise(epsilon, delta) / noise, 1, 1e-8);
  }
});

Deno.test("zcdpEpsilon() converts at the best real order", () => {
  // The published figures are those of orders on a grid.
  for (
    const [rho, delta, most] of [[.81, 1e-10, 8.9223], [.25, 1e-10, 4.6969], [1, 1e-5, 7.0774]]
  ) {
    const found = zcdpEpsilon(rho ?? 0, delta ?? 0);
    assertEquals(
      found <= (most ?? 0) + 5e-5 && found > (most ?? 0) - 3e-4,
      true,
      `${rho} ${found}`,
    );
  }
  const noises = [[1, 4.04513], [2, 2.14911], [4, 1.15757], [8, 0.63765]] as const;
  for (const [epsilon, noise] of noises) {
    assertAlmostEquals(zcdpNoise(epsilon, 1e-5), noise, 6e-6);
  }
});

Deno.test("accountants refuse what is no guarantee", () => {
  assertThrows(() => rdpEpsilon([], 0), RangeError, "a delta above 0 and below 1, got 0");
  assertThrows(() => gaussianEpsilon(0, 1e-5), RangeError, "a noise multiplier above 0, got 0");
  assertThrows(() => gaussianNoise(Infinity, 1e-5), RangeError, "an epsilon above 0");
  assertThrows(
    () => pldEpsilon([{ noise: 1, rate: 1.5, count: 1 }], 1e-5),
    RangeError,
    "a sampling rate above 0 and at most 1, got 1.5",
  );
  assertThrows(() => sampledGaussianRdp({ noise: 1, rate: .5 }, 1), RangeError, "an order above 1");
});
