import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../mod.ts";
import { formatRanks } from "../../src/base/rank.ts";
import { RankRanges } from "../../src/base/rank_ranges.ts";

Deno.test("RankRanges holds the same ranks as a set, whatever is added and removed", () => {
  const random = new Random(3, "test");
  for (let trial = 0; trial < 50; trial++) {
    const last = 1 + random.below(40);
    const ranges = new RankRanges(1, last);
    const expected = new Set(Array.from({ length: last }, (_, i) => i + 1));
    for (let step = 0; step < 200; step++) {
      const rank = 1 + random.below(last + 5);
      const isIn = random.below(2) === 0;
      ranges.put(rank, isIn);
      if (isIn) expected.add(rank);
      else expected.delete(rank);
      const sorted = [...expected].sort((a, b) => a - b);
      assertEquals([...ranges], sorted);
      assertEquals([ranges.size, ranges.first], [sorted.length, sorted[0]]);
      for (let one = 0; one <= last + 6; one++) assertEquals(ranges.has(one), expected.has(one));
      assertEquals(ranges.format(Infinity), formatRanks(sorted));
    }
  }
});

Deno.test("RankRanges begins empty, or with the ranks from first to last", () => {
  assertEquals([...new RankRanges()], []);
  assertEquals([...new RankRanges(2, 4)], [2, 3, 4]);
  assertEquals([...new RankRanges(5, 4)], []);
});

Deno.test("RankRanges formats its first ranges, and counts the ranks that are left", () => {
  const ranges = new RankRanges(1, 100);
  for (const rank of [3, 6, 60]) ranges.delete(rank);
  assertEquals(ranges.format(4), "1, 2, 4, 5, 7-59, 61-100");
  assertEquals(ranges.format(2), "1, 2, 4, 5 and 93 more");
  assertEquals(new RankRanges().format(2), "");
});

Deno.test("RankRanges takes no more for four billion ranks than for four", () => {
  const ranges = new RankRanges(1, 2 ** 32);
  ranges.delete(2 ** 31);
  assertEquals(ranges.size, 2 ** 32 - 1);
  assertEquals([ranges.has(2 ** 31), ranges.has(2 ** 31 + 1)], [false, true]);
});
