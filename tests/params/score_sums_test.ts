import { Random } from "../../src/base/random.ts";
import { type ScoreBins, scoreBins } from "../../src/params/score_bins.ts";
import { addScoreBins, MOST_BINS } from "../../src/params/score_sums.ts";
import { assertEquals, assertThrows } from "@std/assert";

const NONE: ScoreBins = { shift: 0, bins: new Float64Array() };

Deno.test("addScoreBins() gives the bins of all codes at once", () => {
  const random = new Random(5, "test");
  for (const range of [2, 300, 2 ** 24]) {
    for (const most of [1, 7, 300, MOST_BINS]) {
      const codes = Int32Array.from({ length: 3000 }, () => Math.floor(range * random.uniform()));
      const parts = [codes.subarray(0, 1), codes.subarray(1, 1800), codes.subarray(1800)]
        .map((part) => scoreBins(part, most));
      const sum = parts.reduce((sum, part) => addScoreBins(sum, part, most), NONE);
      assertEquals(sum, scoreBins(codes, most));
    }
  }
});

Deno.test("addScoreBins() keeps counts beyond 2^32, and joined bins of nothing", () => {
  const one = { shift: 3, bins: Float64Array.of(5, 2 ** 40, 1, 2, 0, 7) };
  assertEquals(addScoreBins(one, NONE, 9), one);
  const bins = Float64Array.of(5, 2 ** 41, 2, 2, 0, 14);
  assertEquals(addScoreBins(one, one, 9), { shift: 3, bins });
});

Deno.test("addScoreBins() refuses more bins than a histogram has", () => {
  const long = { shift: 0, bins: new Float64Array(3 * MOST_BINS + 3) };
  assertThrows(() => addScoreBins(NONE, long, 9), RangeError, "expected at most 6000 bins");
});
