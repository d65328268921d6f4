import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gaussianEpsilon, zcdpEpsilon } from "../../src/privacy/accounting/gaussian.ts";
import { bandedCoefficients, bandedNoise } from "../../src/privacy/mechanism/banded.ts";
import { FtrlMechanism } from "../../src/privacy/mechanism/ftrl.ts";
import { SampledMechanism } from "../../src/privacy/mechanism/sampled.ts";
import { type NoiseSource, seededNoise } from "../../src/privacy/noise/random_words.ts";

/** Source of bits that are all set, with which each sample of noise is the same. */
const CONSTANT: NoiseSource = { kind: "seeded", fill: (words) => words.fill(2 ** 32 - 1) };

function ftrl(bands: number, source = CONSTANT): FtrlMechanism {
  return new FtrlMechanism({ noise: 2, clip: 1, delta: 1e-5, bands, cohort: 2, most: 4, source });
}

/** Releases sums of one value each. */
function releases(mechanism: FtrlMechanism, sums: readonly number[]): number[] {
  return sums.map((value) => {
    const round = { sum: Float64Array.of(value), grid: mechanism.grid, ranks: [], within: 0 };
    return mechanism.release(round)[0] ?? NaN;
  });
}

Deno.test("bandedCoefficients() are those of the square root, in whole units", () => {
  const exact = [1, 1 / 2, 3 / 8, 5 / 16, 35 / 128];
  bandedCoefficients(5).forEach((c, j) => {
    assertAlmostEquals(c, exact[j] ?? NaN, 2 ** -10);
    assertEquals(Number.isInteger(c * 2 ** 9), true);
  });
  const squares = (bands: number) => bandedCoefficients(bands).reduce((sum, c) => sum + c * c, 0);
  const norms = [[1, 1], [2, 1.25], [4, 1.488281], [8, 1.718379], [10, 1.791344], [32, 2.166975]];
  for (const [bands = 0, norm = 0] of norms) assertAlmostEquals(squares(bands), norm, 2e-3);
});

Deno.test("bandedNoise() is the multiplier of the one Gaussian that a run amounts to", () => {
  const rows = [
    [10, 10, 2.5404, 1e-5, 0.60022297, 8.000098, 8.599403],
    [10, 10, 8.4387, 1e-5, 1.99382051, 1.999991, 2.173158],
    [4, 5, 3, 1e-5, 1.09974943, 3.922278, 4.240576],
    [20, 3, 5, 1e-6, 2.03318071, 2.213715, 2.375999],
  ] as const;
  for (const [bands, most, noise, delta, one, exact, discrete] of rows) {
    const found = bandedNoise(noise, bands, { most, separation: bands });
    // Coefficients in whole units change the norm a little.
    assertAlmostEquals(found / one, 1, 1e-3);
    assertAlmostEquals(gaussianEpsilon(one, delta), exact, 1e-6);
    assertAlmostEquals(zcdpEpsilon(1 / (2 * one * one), delta) / discrete, 1, 3e-5);
  }
  assertThrows(
    () => bandedNoise(1, 3, { most: 1, separation: 2 }),
    RangeError,
    "at least 3 rounds",
  );
});

Deno.test("FtrlMechanism releases the sums themselves, but for the noise", () => {
  const sums = [5, -2, 0, 7, 11, 3].map((value) => value * 1000);
  const noise = releases(ftrl(3), sums.map(() => 0));
  const mechanism = ftrl(3);
  releases(mechanism, sums).forEach((value, i) => {
    assertAlmostEquals(value - (noise[i] ?? 0), (sums[i] ?? 0) * mechanism.grid.unit, 1e-9);
  });
});

Deno.test("FtrlMechanism correlates the noise of a round with that of the rounds before", () => {
  const bands = 4, c = bandedCoefficients(bands), rounds = 9;
  const found = releases(ftrl(bands), Array<number>(rounds).fill(0));
  // The constant source gives the farthest sample, -(12 · 2^26 - 1): in units of zC, -12.
  const expected: number[] = [];
  for (let r = 0; r < rounds; r++) {
    let w = -2 * (12 - 2 ** -26);
    for (let j = 1; j < bands; j++) w -= (c[j] ?? 0) * (expected[r - j] ?? 0);
    expected.push(w);
    assertAlmostEquals(found[r] ?? NaN, w, 1e-9);
  }
  // An impulse of noise with three bands: 1, -1/2, -1/8, 1/4, -5/64, -7/128.
  const three = bandedCoefficients(3), impulse: number[] = [];
  for (let r = 0; r < 6; r++) {
    let w = r === 0 ? 1 : 0;
    for (let j = 1; j < 3; j++) w -= (three[j] ?? 0) * (impulse[r - j] ?? 0);
    impulse.push(w);
  }
  assertEquals(impulse, [1, -.5, -.125, .25, -.078125, -.0546875]);
});

Deno.test("FtrlMechanism begins another chain of noise after a restart", () => {
  const mechanism = ftrl(3);
  const [first] = releases(mechanism, [0, 0]);
  const resumed = ftrl(3);
  resumed.restore(mechanism.save());
  assertEquals(releases(resumed, [0]), [first]);
  assertEquals(resumed.account().releases, 3);
});

Deno.test("FtrlMechanism admits a client only as often and as far apart as it accounts for", () => {
  const mechanism = ftrl(3);
  const release = (...ranks: number[]) =>
    mechanism.release({ sum: new Float64Array(1), grid: mechanism.grid, ranks, within: 0 });
  const clients = { available: [1, 2, 3, 4], count: 2, lastRound: () => 0 };
  release(1, 2);
  assertEquals(mechanism.refusal(1)?.includes("may again after 3"), true);
  assertEquals(mechanism.select(clients), [3, 4]);
  release(3, 4);
  release();
  assertEquals(mechanism.refusal(1), undefined);
  for (let i = 0; i < 3; i++) {
    release(1);
    release();
    release();
  }
  assertEquals(mechanism.refusal(1)?.includes("4 times, as often as the budget allows"), true);
  assertEquals(mechanism.account().participationsMost, 4);
  assertEquals(mechanism.stopReason(4), undefined);
  assertEquals(mechanism.stopReason(2)?.startsWith("the privacy budget is spent"), true);
});

Deno.test("FtrlMechanism keeps participations that a restored account does not have", () => {
  const mechanism = ftrl(2), before = mechanism.save();
  mechanism.release({ sum: new Float64Array(1), grid: mechanism.grid, ranks: [1], within: 0 });
  mechanism.restore(before);
  assertEquals(mechanism.account().releases, 1);
  assertEquals(mechanism.account().participationsMost, 1);
  assertThrows(() => mechanism.restore({ releases: 1, participations: [[1]] }), TypeError);
});

Deno.test("noise has the planned deviation in the units of the vectors", () => {
  const length = 20_000;
  const options = { noise: 3, clip: 0.5, delta: 1e-5, cohort: 10, source: seededNoise(1) };
  const mechanisms = [
    new FtrlMechanism({ ...options, bands: 1, most: 1 }),
    new SampledMechanism({ ...options, rate: 0.1, maxEpsilon: 10 }),
  ];
  for (const mechanism of mechanisms) {
    const { grid } = mechanism;
    const sum = new Float64Array(length);
    const noisy = mechanism.release({ sum, grid, ranks: [], within: 0 });
    const deviation = Math.sqrt(noisy.reduce((total, x) => total + x * x, 0) / length);
    assertAlmostEquals(deviation / (3 * 0.5), 1, 0.03);
  }
});

Deno.test("SampledMechanism draws each client by itself with the rate", () => {
  const mechanism = new SampledMechanism({
    ...{ noise: 1, clip: 1, delta: 1e-5, cohort: 100, rate: 0.1, maxEpsilon: 10 },
    source: seededNoise(4),
  });
  const available = Array.from({ length: 1000 }, (_, i) => i + 1);
  const sizes = Array.from(
    { length: 400 },
    () => mechanism.select({ available, count: 100, lastRound: () => 0 }).length,
  );
  const mean = sizes.reduce((sum, size) => sum + size, 0) / 400;
  const variance = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / 400;
  assertAlmostEquals(mean, 100, 2.5);
  assertAlmostEquals(variance, 90, 30);
});
