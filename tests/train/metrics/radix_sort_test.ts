import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../../src/base/random.ts";
import { sorted } from "../../../src/train/metrics/radix_sort.ts";

for (const length of [0, 1, 2, 255, 5000]) {
  Deno.test(`sorted() puts ${length} numbers in order, equal ones included`, () => {
    const random = new Random(length, "test");
    for (const limit of [2, 300, 2 ** 24]) {
      const numbers = Int32Array.from({ length }, () => random.below(limit));
      const expected = numbers.toSorted();
      assertEquals(Int32Array.from(sorted(numbers, 3)), expected);
    }
  });
}
