import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { LOSS_LAYOUT } from "../../src/generated/engine_exports.ts";
import { Random } from "../../src/base/random.ts";
import { LOSSES } from "../../src/train/losses/losses.ts";
import { hashText } from "../../src/base/hash.ts";
import { createEngineArena } from "../../src/engine/kernels.ts";
import { resolveBuild, useKernelBuild } from "../../src/params/build.ts";

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
    const { size, offsets } = LOSS_LAYOUT;
    const place = arena.alloc(size / 4).byteOffset;
    const total = new Float64Array(exports.memory.buffer, place, 3);
    new Float32Array(exports.memory.buffer, place + offsets.scale, 1)[0] = 1;
    labels.forEach((_, i) => labels[i] = random.below(classes));
    // Some outputs are 0 or 1, where the losses avoid the logarithm of 0, and some are equal.
    y.forEach((_, i) => y[i] = [0, 1, 0.5][random.below(6)] ?? random.uniform());
    exports[kernel](y.byteOffset, labels.byteOffset, dy.byteOffset, rows, units, place);
    const gradient = new Float32Array(rows * units);
    const { loss, correct, counted } = LOSSES[name].compute({
      output: y,
      targets: labels,
      rows,
      units,
      gradient,
    });
    assertEquals([total[1], total[2]], [correct, counted]);
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

for (const build of ["simd128", "relaxed-simd"] as const) {
  Deno.test(`dense_forward() of the build ${build} gives rows of zeros and ink the same bits in any batch`, () => {
    if (build === "relaxed-simd" && resolveBuild("auto") !== build) return;
    useKernelBuild(build);
    try {
      const { arena, exports } = createEngineArena(1 << 20);
      const random = new Random(7, "test"), sparseRows = 30, rows = 75, inputs = 430;
      const draw = (values: Float32Array, ink = 1) =>
        values.forEach((_, i) => values[i] = random.uniform() < ink ? random.normal() : 0);
      for (const outputs of [40, 43, 100, 200]) {
        const x = arena.alloc(rows * inputs), w = arena.alloc(inputs * outputs);
        const b = arena.alloc(outputs), y = arena.alloc(rows * outputs);
        const scratch = arena.alloc(exports.dense_forward_scratch(inputs));
        draw(x.subarray(0, sparseRows * inputs), 0.4);
        // With the further rows, the batch has too few zeros to work on lists.
        draw(x.subarray(sparseRows * inputs));
        draw(w);
        draw(b);
        const run = (count: number, relu: number) => {
          const places = [x, w, b, y].map(({ byteOffset }) => byteOffset);
          const [ofX = 0, ofW = 0, ofB = 0, ofY = 0] = places;
          const to = scratch.byteOffset;
          exports.dense_forward(ofX, ofW, ofB, ofY, count, inputs, outputs, relu, to);
          return new Uint32Array(y.slice(0, sparseRows * outputs).buffer);
        };
        for (const relu of [0, 1]) {
          const dense = run(rows, relu);
          assertEquals(run(sparseRows, relu), dense);
          assertEquals(run(10, relu).subarray(0, 10 * outputs), dense.subarray(0, 10 * outputs));
        }
        for (const part of [x, w, b, y, scratch]) arena.free(part);
      }
    } finally {
      useKernelBuild("auto");
    }
  });
}
