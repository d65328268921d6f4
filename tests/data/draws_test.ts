import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { logDirichlet, logGamma, logPareto, relative } from "../../src/data/partition/draws.ts";
import { shareOut } from "../../src/data/partition/rows.ts";
import { Random } from "../../src/base/random.ts";
import { assertNear, moments } from "../helpers/partition.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const DRAWS = 20_000;

/** Digamma and its derivative: the recurrence up to 10, then the asymptotic series. */
function digamma(x: number): { value: number; slope: number } {
  let value = 0, slope = 0;
  for (; x < 10; x++) {
    value -= 1 / x;
    slope += 1 / x ** 2;
  }
  value += Math.log(x) - 1 / (2 * x) - 1 / (12 * x ** 2) + 1 / (120 * x ** 4);
  slope += 1 / x + 1 / (2 * x ** 2) + 1 / (6 * x ** 3) - 1 / (30 * x ** 5);
  return { value, slope };
}

Deno.test("logGamma() has the moments of the gamma distribution", () => {
  for (const shape of [0.2, 0.9, 1, 2.5, 40]) {
    const random = new Random(11, "test");
    const draws = Array.from({ length: DRAWS }, () => Math.exp(logGamma(random, shape)));
    const { mean, variance } = moments(draws);
    assertNear(mean, shape, 5 * Math.sqrt(shape / DRAWS), `mean of shape ${shape}:`);
    // The fourth central moment is 3 shape² + 6 shape.
    const within = 5 * Math.sqrt((2 * shape ** 2 + 6 * shape) / DRAWS);
    assertNear(variance, shape, within, `variance of shape ${shape}:`);
  }
});

Deno.test("logGamma() has digamma and trigamma for the moments of its logarithm, at tiny shapes too", () => {
  for (const shape of [1e-6, 0.01, 0.5, 3]) {
    const random = new Random(12, "test");
    const draws = Array.from({ length: DRAWS }, () => logGamma(random, shape));
    assert(draws.every(Number.isFinite));
    const { mean, variance } = moments(draws);
    const { value, slope } = digamma(shape);
    assertNear(mean, value, 5 * Math.sqrt(slope / DRAWS), `shape ${shape}:`);
    // The logarithm's kurtosis is at most that of an exponential, 9.
    assertNear(variance, slope, 5 * slope * Math.sqrt(8 / DRAWS), `shape ${shape}:`);
  }
});

Deno.test("logDirichlet() has mean a_i / A and variance a_i (A - a_i) / (A² (A + 1))", () => {
  const concentrations = Float64Array.of(0.05, 0.5, 2);
  const sum = 2.55;
  const random = new Random(13, "test");
  const draws = Array.from(
    { length: DRAWS },
    () => logDirichlet(random, concentrations).map(Math.exp),
  );
  for (const draw of draws) assertNear(draw.reduce((a, b) => a + b), 1, 1e-12);
  for (const [i, a] of concentrations.entries()) {
    const { mean, variance } = moments(draws.map((draw) => draw[i] ?? NaN));
    const expected = a * (sum - a) / (sum ** 2 * (sum + 1));
    assertNear(mean, a / sum, 5 * Math.sqrt(expected / DRAWS));
    assertNear(variance, expected, 0.15 * expected);
  }
});

Deno.test("logDirichlet() gives numbers where proportions vanish", () => {
  const random = new Random(14, "test");
  for (const alpha of [1e-6, 0.01, 1e6]) {
    for (let i = 0; i < 100; i++) {
      const draw = logDirichlet(random, new Float64Array(10).fill(alpha));
      assert(draw.every(Number.isFinite));
      assertNear(draw.reduce((sum, log) => sum + Math.exp(log), 0), 1, 1e-9);
    }
  }
});

Deno.test("logPareto() is exponential with mean 1 / exponent", () => {
  const random = new Random(15, "test");
  const draws = Array.from({ length: DRAWS }, () => logPareto(random, 1.5));
  const { mean, variance } = moments(draws);
  assertNear(mean, 2 / 3, 5 * (2 / 3) / Math.sqrt(DRAWS));
  assertNear(variance, 4 / 9, 5 * (4 / 9) * Math.sqrt(8 / DRAWS));
  assert(Math.min(...draws) >= 0);
});

Deno.test("relative() keeps proportions of logarithms that are out of range", () => {
  const [half = 0, one, none] = relative(Float64Array.of(5000, 5000 + Math.log(2), -1e9));
  assertNear(half, 0.5, 1e-12);
  assertEquals([one, none], [1, 0]);
});

Deno.test("shareOut() rounds to less than one off, sums to the total, and is right on average", () => {
  const weights = Float64Array.of(1, 0, 2.5, 0.3, 6.2);
  const sum = 10, total = 37;
  const averages = weights.map(() => 0);
  const steps = 1000;
  for (let i = 0; i < steps; i++) {
    const shares = shareOut(weights, total, (i + 0.5) / steps);
    assertEquals(shares.reduce((a, b) => a + b), total);
    for (const [k, share] of shares.entries()) {
      assertNear(share, (weights[k] ?? 0) / sum * total, 1);
      averages[k] = (averages[k] ?? 0) + share / steps;
    }
  }
  for (const [k, average] of averages.entries()) {
    assertNear(average, (weights[k] ?? 0) / sum * total, 0.002);
  }
});
