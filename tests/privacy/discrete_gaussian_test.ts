import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
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
  ] as const
) {
  Deno.test(`DiscreteGaussian has the probabilities of a deviation of 2^${log}`, () => {
    const expected = probabilities(4 ** log, 40);
    assertAlmostEquals(expected[40] ?? 0, first, 1e-10);
    assertAlmostEquals(expected[41] ?? 0, second, 1e-10);
    const noise = new DiscreteGaussian(log, seededNoise(7));
    const counts = new Float64Array(81);
    let squares = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const x = noise.sample();
      counts[x + 40] = (counts[x + 40] ?? 0) + 1;
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
