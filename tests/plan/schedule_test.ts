import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { learningRateAt, type LearningRateSchedule } from "../../src/plan/mod.ts";
import { checkSchedule } from "../../src/plan/schedule.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Rates of rounds 1 to `count`, from a rate of 1. */
function rates(schedule: LearningRateSchedule, count: number): number[] {
  return Array.from({ length: count }, (_, i) => learningRateAt(schedule, 1, i + 1));
}

Deno.test("learningRateAt() of a step schedule multiplies by the decay after every few rounds", () => {
  assertEquals(rates({ name: "step", decay: 0.5, every: 3 }, 8), [
    1,
    1,
    1,
    0.5,
    0.5,
    0.5,
    0.25,
    0.25,
  ]);
});

Deno.test("learningRateAt() of an exponential schedule halves in each round", () => {
  assertEquals(rates({ name: "exponential", decay: 0.5 }, 5), [1, 0.5, 0.25, 0.125, 0.0625]);
});

Deno.test("learningRateAt() of a cosine over 6 rounds has the cosines of the multiples of 30 degrees", () => {
  const [sqrt3, found] = [Math.sqrt(3), rates({ name: "cosine", rounds: 6 }, 6)];
  const cosines = [1, sqrt3 / 2, 1 / 2, 0, -1 / 2, -sqrt3 / 2];
  found.forEach((rate, i) => assertAlmostEquals(rate, (1 + (cosines[i] ?? NaN)) / 2, 1e-15));
  // Rounds past the last have its rate, which is above 0.
  assertEquals(learningRateAt({ name: "cosine", rounds: 6 }, 1, 9), found[5]);
  // The sum over a whole period is half the number of rounds, plus half of the first.
  const sum = rates({ name: "cosine", rounds: 100 }, 100).reduce((sum, rate) => sum + rate, 0);
  assertAlmostEquals(sum, 50.5, 1e-12);
});

Deno.test("learningRateAt() rises in the rounds of the warm-up, then follows the schedule from its beginning", () => {
  assertEquals(rates({ name: "constant", warmup: 3 }, 5), [0.25, 0.5, 0.75, 1, 1]);
  assertEquals(rates({ name: "exponential", decay: 0.5, warmup: 1 }, 4), [0.5, 1, 0.5, 0.25]);
  const cosine = rates({ name: "cosine", rounds: 8, warmup: 2 }, 8);
  assertEquals(cosine.slice(2), rates({ name: "cosine", rounds: 6 }, 6));
});

Deno.test("learningRateAt() never is 0, which no plan may have", () => {
  assertEquals(learningRateAt({ name: "exponential", decay: 0.1 }, 0.1, 10_000), Number.MIN_VALUE);
  for (const name of ["exponential", "step"] as const) {
    const schedule = { name, decay: 1e-300, every: 1 };
    assert(rates(schedule, 50).every((rate) => rate > 0));
  }
});

Deno.test("checkSchedule() names what is out of range", () => {
  const cases: [LearningRateSchedule, string][] = [
    [{ name: "step", decay: 0, every: 1 }, "expected a decay above 0 and at most 1, got 0"],
    [{ name: "exponential", decay: 1.5 }, "expected a decay above 0 and at most 1, got 1.5"],
    [{ name: "step", decay: 1, every: 0.5 }, "expected a step of 1 round or more, got 0.5"],
    [{ name: "cosine", rounds: 5, warmup: 5 }, "more rounds than the warm-up of 5, got 5"],
    [{ name: "constant", warmup: -1 }, "expected a warm-up of 0 rounds or more, got -1"],
    [{ name: "poly" } as unknown as LearningRateSchedule, "expected a schedule of constant, step"],
  ];
  for (const [schedule, message] of cases) {
    assertThrows(() => checkSchedule(schedule, "Cannot make a server"), RangeError, message);
  }
});
