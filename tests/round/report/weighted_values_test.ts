import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../../src/base/random.ts";
import { WeightedValues } from "../../../src/round/report/weighted_values.ts";

Deno.test("WeightedValues have the mean of a plain loop over any number of values", () => {
  for (const count of [0, 1, 16, 17, 1000]) {
    const random = new Random(3, "test"), values = new WeightedValues();
    let sum = 0, total = 0;
    for (let i = 0; i < count; i++) {
      const value = random.normal(), weight = random.below(9);
      values.add(value, weight);
      sum += value * weight;
      total += weight;
    }
    assertEquals(values.mean, sum / total);
    assertEquals([values.count, values.values.length], [count, count]);
  }
});

Deno.test("WeightedValues tell the finite ones apart, in their order", () => {
  const values = new WeightedValues();
  for (const value of [3, NaN, 1, Infinity, 2]) values.add(value, 1);
  assertEquals(values.finite.values, Float64Array.of(3, 1, 2));
  assertEquals([values.mean, values.finite.mean], [NaN, 2]);
});
