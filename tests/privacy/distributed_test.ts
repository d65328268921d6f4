import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  distributedEpsilon,
  distributedGaussianRdp,
  NoiseShare,
  seededNoise,
  sumExcess,
  zcdpEpsilon,
} from "../../src/privacy/mod.ts";
import { SecureError } from "../../src/secure/errors.ts";
import { addMeanUpdate, ClearSum, LANES, readLanes } from "../../src/secure/mod.ts";

/** Bound of the norm after rounding to units at random, as the figures of the paper's code have. */
function roundedNorm(clip: number, unit: number, dimension: number): number {
  const c = clip / unit, root = Math.sqrt(dimension);
  const beta = Math.exp(-0.5);
  const conditional = c * c + dimension / 4 +
    Math.sqrt(2 * Math.log(1 / beta)) * (c + root / 2);
  return unit * Math.sqrt(Math.min((c + root) ** 2, conditional));
}

for (
  const [log, deviation, dimension, norm, epsilon, order] of [
    [-14, 0.03, 2 ** 21, 0.1093706, 1.529539, 13],
    [-10, 0.01, 2 ** 17, 0.2037653, 11.0297, 3],
  ] as const
) {
  Deno.test(`the account of distributed noise has the published figures, unit 2^${log}`, () => {
    const unit = 2 ** log, clients = 100;
    const sensitivity = roundedNorm(0.1, unit, dimension);
    assertAlmostEquals(sensitivity, norm, 1e-7);
    const found = distributedEpsilon(
      { deviation, unit, clients, sensitivity, dimension },
      1,
      1e-5,
    );
    assertAlmostEquals(found.epsilon / epsilon, 1, 1e-5);
    assertEquals(found.order, order);
    assertEquals(sumExcess({ deviation, unit, clients }) < 1e-40, true);
  });
}

Deno.test("coarse units cost privacy, and fine ones nothing", () => {
  const sum = { deviation: 1, clients: 10, sensitivity: 1, dimension: 100 };
  const ideal = 2 / (2 * 10);
  assertAlmostEquals(distributedGaussianRdp({ ...sum, unit: 0.25 }, 2), ideal, 1e-12);
  assert(distributedGaussianRdp({ ...sum, unit: 1 }, 2) > 1.001 * ideal);
  // By the definition: τ = 10 Σ exp(-2π²(σ/γ)² k / (k + 1)).
  const tau = 10 * [1, 2].reduce((all, k) => all + Math.exp(-2 * Math.PI ** 2 * k / (k + 1)), 0);
  assertAlmostEquals(sumExcess({ deviation: 1, unit: 1, clients: 3 }), tau, 1e-15);
});

const SETTINGS = { clip: 0.5, noise: 2, fewest: 7, maxMembers: 10 };

/** Mean of updates with noise, for the number of clients given. */
function meanOf(share: NoiseShare, updates: readonly Float32Array<ArrayBuffer>[]) {
  const length = updates[0]?.length ?? 0, sum = new ClearSum(length + LANES);
  for (const update of updates) sum.add(share.quantize(update));
  const base = new Float32Array(length), mean = new Float32Array(length);
  addMeanUpdate(share.ring, sum.finish(), base, mean);
  return { mean: Float64Array.from(mean), lanes: readLanes(share.ring, sum.finish()) };
}

for (const survivors of [7, 10]) {
  Deno.test(`the noise of ${survivors} clients has the variance of their shares`, () => {
    const length = 20_000, share = new NoiseShare(SETTINGS);
    const update = new Float32Array(length).fill(1);
    const { mean, lanes } = meanOf(share, Array.from({ length: survivors }, () => update));
    const average = mean.reduce((a, b) => a + b, 0) / length;
    const deviation = Math.sqrt(mean.reduce((a, b) => a + (b - average) ** 2, 0) / length);
    // The sum has the variance (zC)² · survivors / fewest, and is divided by the survivors.
    const { noise, clip, fewest } = SETTINGS;
    const want = noise * clip * Math.sqrt(survivors / fewest) / survivors;
    assertAlmostEquals(average, clip / Math.sqrt(length), 5 * want / Math.sqrt(length));
    assertAlmostEquals(deviation / want, 1, 5 / Math.sqrt(2 * length));
    assertEquals(lanes, { samples: survivors, clamped: 0, loss: 0, steps: 0 });
  });
}

Deno.test("the guarantee is that of one Gaussian on the sum of the fewest clients", () => {
  const share = new NoiseShare(SETTINGS), sum = share.sumOf(1_663_370);
  assertAlmostEquals(share.deviation * Math.sqrt(SETTINGS.fewest), 2 * 0.5, 1e-9);
  for (const releases of [1, 10]) {
    const { epsilon } = distributedEpsilon(sum, releases, 1e-5);
    const ideal = zcdpEpsilon(releases / (2 * SETTINGS.noise ** 2), 1e-5);
    // Whole orders alone, of all real ones.
    assert(epsilon >= ideal - 1e-9 && epsilon < ideal * 1.01, `${epsilon} of ${ideal}`);
  }
});

Deno.test("no sum of the most members overflows the ring, with its noise", () => {
  for (
    const settings of [
      SETTINGS,
      { clip: 1e-3, noise: 0.05, fewest: 1, maxMembers: 3 },
      { clip: 1, noise: 100, fewest: 200, maxMembers: 255 },
      { clip: 8, noise: 1, fewest: 5, maxMembers: 100_000 },
    ]
  ) {
    const share = new NoiseShare(settings, seededNoise(1));
    const most = settings.clip / share.unit, log = Math.log2(share.deviation / share.unit);
    assert(Math.abs(log - Math.round(log)) < 1e-9 && log >= 4, `${log}`);
    const reach = settings.maxMembers * most +
      12 * Math.sqrt(settings.maxMembers) * share.deviation / share.unit;
    assert(reach < 2 ** 31);
    // Each bit of room is used: twice as fine a unit would not fit.
    assert(2 * reach > 2 ** 31 || log === 26);
  }
});

Deno.test("an update at the clip moves the sum of zero noise by no more than the clip", () => {
  const share = new NoiseShare({ ...SETTINGS, noise: 0.05 }, seededNoise(1));
  const zeros = new NoiseShare({ ...SETTINGS, noise: 0.05 }, seededNoise(1));
  const update = Float32Array.from({ length: 50 }, (_, i) => Math.sin(i) * 3);
  const with_ = share.quantize(update), without = zeros.quantize(new Float32Array(50));
  let squares = 0;
  for (let i = 0; i < 50; i++) squares += (((with_[i] ?? 0) - (without[i] ?? 0)) | 0) ** 2;
  const norm = Math.sqrt(squares) * share.unit;
  assert(norm <= SETTINGS.clip && norm > 0.999 * SETTINGS.clip, `${norm}`);
});

Deno.test("settings that guarantee nothing, or do not fit, are refused", () => {
  for (
    const [changes, reason] of [
      [{ clip: 0 }, "a finite clip above 0"],
      [{ clip: Infinity }, "a finite clip above 0"],
      [{ noise: 0 }, "a noise multiplier from 0.05"],
      [{ fewest: 0 }, "1 to 10 clients"],
      [{ fewest: 11 }, "1 to 10 clients"],
      [{ maxMembers: 2 ** 20, fewest: 2 ** 20, noise: 0.05 }, "no room"],
    ] as const
  ) assertThrows(() => new NoiseShare({ ...SETTINGS, ...changes }), RangeError, reason);
  const share = new NoiseShare(SETTINGS);
  assertThrows(() => share.quantize(new Float32Array([NaN])), SecureError, "a finite change");
});
