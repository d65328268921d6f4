import { Random } from "../../src/base/random.ts";
import { resolveBuild } from "../../src/params/build.ts";
import { instantiate } from "../../src/params/instance.ts";
import { MOST_CODES, scoreBins } from "../../src/params/score_bins.ts";
import { assertEquals } from "@std/assert";

/** Joins bins until few enough are occupied, with the sort of the engine and a map of counts. */
function reference(codes: readonly number[], most: number) {
  for (let shift = 0;; shift++) {
    const counts = new Map<number, [negatives: number, positives: number]>();
    for (const code of codes.toSorted((a, b) => a - b)) {
      const place = Math.floor(code / 2 ** (shift + 1));
      const count = counts.get(place) ?? [0, 0];
      count[code % 2 === 1 ? 1 : 0]++;
      counts.set(place, count);
    }
    if (counts.size > most) continue;
    let before = 0;
    const bins = [...counts].flatMap(([place, count]) => {
      const gap = place - before;
      before = place;
      return [gap, ...count];
    });
    return { shift, bins: new Float64Array(bins) };
  }
}

Deno.test("scoreBins() counts codes in as many bins as are allowed", () => {
  const random = new Random(3, "test");
  const memory = new Int32Array(instantiate(resolveBuild("auto"), 64).buffer);
  for (const length of [0, 1, 2, 600, MOST_CODES]) {
    for (const range of [2, 300, 2 ** 24]) {
      const codes = Int32Array.from({ length }, () => Math.floor(range * random.uniform()));
      for (const most of [1, 7, 300, 6000]) {
        const expected = reference([...codes], most);
        assertEquals(scoreBins(codes, most), expected);
        assertEquals(scoreBins(codes, most, memory), expected);
      }
    }
  }
});

Deno.test("scoreBins() takes the smallest and the largest codes", () => {
  const codes = Int32Array.of(2 ** 24 - 1, 0, 2 ** 24 - 2);
  assertEquals(scoreBins(codes, 9), {
    shift: 0,
    bins: Float64Array.of(0, 1, 0, 2 ** 23 - 1, 1, 1),
  });
});
