import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { drawBin } from "../../src/privacy/noise/bins.ts";
import { DiscreteGaussian } from "../../src/privacy/noise/discrete_gaussian.ts";
import {
  type NoiseSource,
  RandomBits,
  seededNoise,
  systemNoise,
} from "../../src/privacy/noise/random_words.ts";

const SAMPLES = 200_000;

/** Probabilities of the integers from -`reach` to `reach`, by their definition. */
function probabilities(variance: number, reach: number): number[] {
  const weight = (x: number) => Math.exp(-x * x / (2 * variance));
  const all = Array.from({ length: 2 * reach + 1 }, (_, i) => weight(i - reach));
  const total = all.reduce((sum, value) => sum + value, 0);
  return all.map((value) => value / total);
}

for (
  const [log, first, second, variance] of [
    [-1, 0.7865707070, 0.1064507694, 0.2150126751],
    [0, 0.3989422783, 0.2419707232, 0.9999997888],
    [1, 0.1994711402, 0.1760326634, 4],
    // From here on candidates come from bins.
    [6, 0.0062334731, 0.0062327122, 4096],
    [7, 0.0031167366, 0.0031166415, 16_384],
    [8, 0.0015583683, 0.0015583564, 65_536],
  ] as const
) {
  Deno.test(`DiscreteGaussian has the probabilities of a deviation of 2^${log}`, () => {
    const reach = Math.max(40, 12 * 2 ** log);
    const expected = probabilities(4 ** log, reach);
    assertAlmostEquals(expected[reach] ?? 0, first, 1e-10);
    assertAlmostEquals(expected[reach + 1] ?? 0, second, 1e-10);
    const noise = new DiscreteGaussian(log, seededNoise(7));
    const counts = new Float64Array(2 * reach + 1), values = new Float64Array(SAMPLES);
    // Half of them by each way to draw.
    noise.addTo(values.subarray(0, SAMPLES / 2));
    let squares = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const x = i < SAMPLES / 2 ? values[i] ?? NaN : noise.sample();
      counts[x + reach] = (counts[x + reach] ?? 0) + 1;
      squares += x * x;
    }
    // Cells with few expected samples count as one.
    let chi = 0, cells = 0, rare = 0, rareExpected = 0;
    expected.forEach((probability, i) => {
      const count = counts[i] ?? 0, mean = probability * SAMPLES;
      if (mean < 20) {
        rare += count;
        rareExpected += mean;
        return;
      }
      chi += (count - mean) ** 2 / mean;
      cells++;
    });
    chi += (rare - rareExpected) ** 2 / rareExpected;
    // Six deviations of a chi-square variable; the seed makes the result the same each time.
    assertEquals(chi < cells + 6 * Math.sqrt(2 * cells), true, `${chi} of ${cells}`);
    assertAlmostEquals(squares / SAMPLES, variance, 0.02 * variance);
  });
}

for (const log of [16, 21, 22, 26]) {
  Deno.test(`DiscreteGaussian of a deviation of 2^${log} has the moments of a normal one`, () => {
    const noise = new DiscreteGaussian(log, seededNoise(3));
    const values = new Float64Array(SAMPLES);
    noise.addTo(values);
    const moment = (power: number) =>
      values.reduce((sum, x) => sum + (x / 2 ** log) ** power, 0) / SAMPLES;
    assertEquals(values.every(Number.isInteger), true);
    assertAlmostEquals(moment(1), 0, 0.015);
    assertAlmostEquals(moment(2), 1, 0.02);
    assertAlmostEquals(moment(4), 3, 0.15);
    // The lowest bits are as good as uniform.
    const odd = values.reduce((sum, x) => sum + Math.abs(x % 2), 0) / SAMPLES;
    assertAlmostEquals(odd, 0.5, 0.008);
  });
}

Deno.test("drawBin() draws further words where the first does not tell, also in the tail", () => {
  const source = (...words: number[]): NoiseSource => ({
    kind: "seeded",
    fill: (array) => array.set(words),
  });
  const weights = Array.from({ length: 768 }, (_, h) => Math.exp(-h * h / 8192));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const top = Math.floor((weights[0] ?? 0) / total * 2 ** 32);
  assertEquals(drawBin(top - 1, new RandomBits(source())), 0);
  assertEquals(drawBin(top + 1, new RandomBits(source())), 1);
  assertEquals(drawBin(top, new RandomBits(source(0, 0))), 0);
  assertEquals(drawBin(top, new RandomBits(source(2 ** 32 - 1, 0))), 1);
  assertEquals(drawBin(0, new RandomBits(source())), 0);
  // Bins of a word in common are told apart by the second: the tail beyond 6.2 deviations.
  const last = 2 ** 32 - 1,
    bins = [0, 2 ** 31, last].map((second) => drawBin(last, new RandomBits(source(second, last))));
  const beyond = (h: number) => weights.slice(h).reduce((sum, weight) => sum + weight, 0) / total;
  assertEquals(beyond(bins[0] ?? 0) >= 2 ** -32 && beyond((bins[0] ?? 0) + 2) < 2 ** -32, true);
  assertEquals(beyond((bins[1] ?? 0) + 1) < 2 ** -33 * 1.001, true);
  assertEquals(bins[2], 767);
});

Deno.test("DiscreteGaussian takes other bits of the system each time", () => {
  const draw = () => {
    const values = new Float64Array(8);
    new DiscreteGaussian(26, systemNoise()).addTo(values);
    return [...values].join();
  };
  assertEquals(draw() === draw(), false);
});

Deno.test("DiscreteGaussian refuses a deviation that it cannot sample exactly", () => {
  assertThrows(() => new DiscreteGaussian(27, systemNoise()), RangeError, "from -1 to 26, got 27");
  assertThrows(() => new DiscreteGaussian(0.5, systemNoise()), RangeError, "got 0.5");
});

Deno.test("RandomBits.oneOf() has exact probabilities, also where the first word does not tell", () => {
  const limit = Math.floor(2 ** 32 / 3);
  /** Gives the words in turn, and then zeros. */
  const source = (...words: number[]): NoiseSource => ({
    kind: "seeded",
    fill: (array) => array.set(words),
  });
  assertEquals(new RandomBits(source(limit - 1)).oneOf(3), true);
  assertEquals(new RandomBits(source(limit + 1)).oneOf(3), false);
  // 2^32 = 3 · limit + 1: a third of the word `limit` belongs to the third.
  assertEquals(new RandomBits(source(limit, 0)).oneOf(3), true);
  assertEquals(new RandomBits(source(limit, 1)).oneOf(3), false);
  assertEquals(new RandomBits(source(limit, 2)).oneOf(3), false);
  assertEquals(new RandomBits(source(limit, 2 ** 32 - 1, 0)).oneOf(3), true);
});
