import { assertEquals } from "jsr:@std/assert@1.0.19";
import { crossingOf, isInBands } from "../../src/cli/run/learning_curve.ts";

Deno.test("crossingOf() interpolates the best accuracy so far", () => {
  assertEquals(crossingOf([0.25, 0.5, 0.3, 0.75], 0.625), 3.5);
  assertEquals(crossingOf([0.2, 0.4, 0.3], 0.4), 2);
  assertEquals(crossingOf([0.6], 0.5), 1);
  assertEquals(crossingOf([0.2, 0.4], 0.5), undefined);
  assertEquals(crossingOf([], 0.5), undefined);
});

Deno.test("isInBands() wants a curve in all of its bands", () => {
  const bands = [{ round: 1, least: 0.1, most: 0.2 }, { round: 3, least: 0.4, most: 0.5 }];
  assertEquals(isInBands([0.1, 0, 0.5], bands), true);
  assertEquals(isInBands([0.1, 0, 0.51], bands), false);
  assertEquals(isInBands([0.1, 0.4], bands), false);
});
