import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../src/base/random.ts";
import { LOSSES } from "../../src/train/losses/losses.ts";
import { hashText } from "../../src/base/hash.ts";
import { createEngineArena } from "../../src/engine/kernels.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("dropout_forward() draws the stream of Random, past 2^32 blocks too, and keeps its share", () => {
  const { arena, exports } = createEngineArena(1 << 16);
  const count = 4001, least = 0.3 * 2 ** 32;
  const x = arena.alloc(count), y = arena.alloc(count), mask = arena.alloc(count);
  const place = arena.alloc(6).byteOffset;
  const stream = new Uint32Array(exports.memory.buffer, place, 6);
  stream.set([9, hashText("dropout"), 3, 2, 0, 0]);
  const random = new Random(9, "dropout", { round: 3, rank: 2 });
  x.forEach((_, i) => x[i] = i + 1);
  const run = (n: number) =>
    exports.dropout_forward(x.byteOffset, y.byteOffset, mask.byteOffset, n, least, 2, place);
  for (const n of [1, 8, count]) {
    run(n);
    const draws = Array.from({ length: Math.ceil(n / 4) * 4 }, () => random.uint32());
    assertEquals(
      [...y.subarray(0, n)],
      draws.slice(0, n).map((draw, i) => draw >= least ? 2 * i + 2 : 0),
    );
  }
  const kept = y.filter((value) => value !== 0).length / count;
  assert(Math.abs(kept - 0.7) < 0.03, `kept ${kept}`);
  stream.set([0xFFFFFFFF, 0], 4);
  run(4);
  assertEquals([...stream.subarray(4)], [0, 1]);
});

for (
  const [name, kernel, units, classes] of [
    ["softmaxCrossEntropy", "softmax_cross_entropy", 5, 4],
    ["categoricalCrossentropy", "categorical_crossentropy", 5, 4],
    ["binaryCrossentropy", "binary_crossentropy", 1, 2],
    ["meanSquaredError", "mean_squared_error", 1, 4],
  ] as const
) {
  Deno.test(`${kernel}() gives the count, loss and gradient of the loss ${name}`, () => {
    const rows = 40, random = new Random(5, "test");
    const { arena, exports } = createEngineArena(1 << 14);
    const y = arena.alloc(rows * units), dy = arena.alloc(rows * units);
    const labels = new Int32Array(exports.memory.buffer, arena.alloc(rows).byteOffset, rows);
    const place = arena.alloc(5).byteOffset;
    const total = new Float64Array(exports.memory.buffer, place, 2);
    new Float32Array(exports.memory.buffer, place + 16, 1)[0] = 1;
    labels.forEach((_, i) => labels[i] = random.below(classes));
    // Some outputs are 0 or 1, where the losses avoid the logarithm of 0, and some are equal.
    y.forEach((_, i) => y[i] = [0, 1, 0.5][random.below(6)] ?? random.uniform());
    exports[kernel](y.byteOffset, labels.byteOffset, dy.byteOffset, rows, units, place);
    const gradient = new Float32Array(rows * units);
    const { loss, correct } = LOSSES[name].compute({
      output: y,
      targets: labels,
      rows,
      units,
      gradient,
    });
    assertEquals(total[1], correct);
    assert(Math.abs((total[0] ?? NaN) - loss) <= 1e-9 * loss, `${total[0]} is not ${loss}`);
    gradient.forEach((want, i) => {
      const error = Math.abs((dy[i] ?? NaN) - want);
      assert(error <= 1e-6 * Math.abs(want) + 1e-8, `${i}: ${dy[i]} is not ${want}`);
    });
    dy.fill(7);
    exports[kernel](y.byteOffset, labels.byteOffset, 0, rows, units, place);
    assertEquals(dy.findIndex((value) => value !== 7), -1);
    assert(Math.abs((total[0] ?? NaN) - loss) <= 1e-9 * loss);
  });
}
