import { Random } from "../../src/base/random.ts";
import { LOSS_NAMES, LOSSES } from "../../src/train/losses/losses.ts";
import type { LossName } from "../../src/train/handler.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";

const ROWS = 12, UNITS = 3;

/** Outputs, targets and weights that fit a loss. */
function batchFor(name: LossName) {
  const random = new Random(7, "test"), { output: kind } = LOSSES[name];
  const ofClasses = kind === "logits" || kind === "probabilities";
  const isShare = kind === "probabilities" || kind === "probability";
  const length = ofClasses ? ROWS : ROWS * UNITS;
  const targets = ofClasses ? new Int32Array(length) : new Float32Array(length);
  targets.forEach((_, i) =>
    targets[i] = ofClasses ? random.below(UNITS) : kind === "measure" ? random.normal() * 3 : i % 2
  );
  return {
    output: Float32Array.from(
      { length: ROWS * UNITS },
      () => isShare ? 0.05 + 0.9 * random.uniform() : 3 * random.normal(),
    ),
    targets,
    weights: Float32Array.from({ length: ROWS }, (_, row) => row % 4),
    rows: ROWS,
    units: UNITS,
  };
}

for (const name of LOSS_NAMES) {
  const { compute } = LOSSES[name];

  Deno.test(`${name} has the gradient that central differences of its mean give`, () => {
    const batch = batchFor(name), gradient = new Float32Array(ROWS * UNITS);
    compute({ ...batch, gradient, scale: -2 });
    // Outputs are 32-bit floats: the step is a power of two, so that it is exact.
    const step = 2 ** -10;
    batch.output.forEach((value, i) => {
      const lossAt = (moved: number) =>
        compute({ ...batch, output: batch.output.with(i, moved) }).loss;
      const slope = (lossAt(value + step) - lossAt(value - step)) / (2 * step) / ROWS;
      assertAlmostEquals(gradient[i] ?? NaN, -2 * slope, 2e-4 * Math.max(1, Math.abs(slope)));
    });
  });

  Deno.test(`${name} weighs rows by Σ w l / n, as if a row stood there w times`, () => {
    const batch = batchFor(name), gradient = new Float32Array(ROWS * UNITS);
    const { loss } = compute({ ...batch, gradient });
    const perRow = Math.floor(batch.targets.length / ROWS);
    let sum = 0;
    for (let row = 0; row < ROWS; row++) {
      const own = new Float32Array(UNITS);
      const one = compute({
        output: batch.output.subarray(row * UNITS, (row + 1) * UNITS),
        targets: batch.targets.subarray(row * perRow, (row + 1) * perRow),
        rows: 1,
        units: UNITS,
        gradient: own,
      });
      const weight = batch.weights[row] ?? 0;
      sum += weight * one.loss;
      own.forEach((value, i) =>
        assertAlmostEquals(gradient[row * UNITS + i] ?? NaN, weight * value / ROWS, 1e-6)
      );
    }
    assertAlmostEquals(loss, sum, 1e-9);
  });

  Deno.test(`${name} of an output that is not a number is not a number`, () => {
    const batch = batchFor(name);
    assert(Number.isNaN(compute({ ...batch, output: batch.output.map(() => NaN) }).loss));
  });
}

Deno.test("losses of values are the means of their definitions over the outputs", () => {
  const batch = {
    output: Float32Array.of(0.5, -2, 3, 0.25),
    targets: Float32Array.of(0, 1, 1, 0),
    rows: 2,
    units: 2,
  };
  assertEquals(LOSSES.meanSquaredError.compute(batch).loss, (0.25 + 9) / 2 + (4 + 0.0625) / 2);
  assertEquals(LOSSES.meanAbsoluteError.compute(batch).loss, 3.5 / 2 + 2.25 / 2);
  assertEquals(LOSSES.huber.compute(batch).loss, (0.125 + 2.5) / 2 + (1.5 + 0.03125) / 2);
  const softplus = (z: number) => Math.log(1 + Math.exp(z));
  const { loss, correct } = LOSSES.sigmoidCrossEntropy.compute(batch);
  assertAlmostEquals(
    loss,
    (softplus(0.5) + softplus(2) + softplus(-3) + softplus(0.25)) / 2,
    1e-12,
  );
  assertEquals(correct, 0, "each row has one wrong label");
});

Deno.test("sigmoidCrossEntropy neither overflows nor vanishes at large logits", () => {
  const gradient = new Float32Array(4);
  const { loss, correct } = LOSSES.sigmoidCrossEntropy.compute({
    output: Float32Array.of(1000, -1000, 1000, -1000),
    targets: Float32Array.of(1, 0, 0, 1),
    rows: 4,
    units: 1,
    gradient,
  });
  assertEquals([loss, correct], [2000, 2]);
  assertEquals([...gradient], [0, 0, 0.25, -0.25]);
});
