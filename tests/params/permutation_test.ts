import { Random } from "../../src/base/random.ts";
import { permutation } from "../../src/params/permutation.ts";
import { assertEquals } from "@std/assert";

Deno.test("permutation() draws what Random.permutation() draws, and leaves the stream there", () => {
  for (const length of [0, 1, 2, 5, 60, 1001, 40_000]) {
    const [one, other] = [1, 2].map(() => new Random(7, "batch-order", { round: 3, rank: length }));
    for (let epoch = 0; epoch < 3; epoch++) {
      if (one && other) assertEquals(permutation(one, length), other.permutation(length));
    }
    assertEquals(one?.uint32(), other?.uint32());
    assertEquals(one?.place, other?.place);
  }
});

Deno.test("Random.skip() leaves out what another generator has drawn", () => {
  for (const count of [0, 1, 3, 4, 9]) {
    const [one, other] = [1, 2].map(() => new Random(1, "test"));
    for (let i = 0; i < count; i++) one?.uint32();
    other?.skip(count);
    assertEquals([one?.uint32(), one?.uint32()], [other?.uint32(), other?.uint32()]);
  }
});
