/** The attacks of `deno task attack`, in a short form: they work, and the protections help. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { modelEvaluator } from "../../mod.ts";
import { denseLayers, lossOf } from "../../bench/attack/dense.ts";
import { correlation, inversion } from "../../bench/attack/inversion.ts";
import { countLabels, labels } from "../../bench/attack/labels.ts";
import { membership, separation } from "../../bench/attack/membership.ts";
import { drawInversion } from "../../bench/attack/picture.ts";
import { loadTask } from "../../bench/attack/task.ts";
import { summed } from "../../bench/attack/views.ts";
import { png } from "../../src/data/formats/images/deps.ts";

const task = await loadTask("digits", 1);

Deno.test("a single sample is read exactly from its update, and not with differential privacy", async () => {
  const { pictures, correlation: found } = await inversion(task, 3);
  assert(found.nothing > 0.9999, `${found.nothing}`);
  assert(found["secure aggregation"] < 0.95, `${found["secure aggregation"]}`);
  assert(found["epsilon 8"] < 0.35, `${found["epsilon 8"]}`);
  assert(found["epsilon 1"] < 0.35, `${found["epsilon 1"]}`);
  const picture = drawInversion(pictures, { side: 8, scale: 2 });
  const { width, height } = png.decode(picture);
  assertEquals([width, height], [(5 * 10 - 2) * 2, (3 * 10 - 2) * 2]);
});

Deno.test("labels are counted by the last bias of a single update, and not by that of a sum", async () => {
  const { guess, ...found } = await labels(task, 10);
  assertAlmostEquals(guess, 0.2, 1e-9);
  assert(found.nothing > 0.8, `${found.nothing}`);
  assert(found["secure aggregation"] < 0.5, `${found["secure aggregation"]}`);
  for (const one of ["epsilon 8", "epsilon 1"] as const) assert(found[one] < 0.5, one);
  // By the formula: of four samples three have label 0, with probabilities of 1/2.
  const layer = { inputs: 0, outputs: 2, kernel: 0, bias: 0 };
  const update = new Float32Array([0.1 * (3 / 4 - 1 / 2), 0.1 * (1 / 4 - 1 / 2)]);
  countLabels(update, layer, 4).forEach((count, i) =>
    assertAlmostEquals(count, i === 0 ? 3 : 1, 1e-5)
  );
});

Deno.test("members are told from others by a client's own model, and hardly by that of all", async () => {
  const found = await membership({ ...task, rounds: 5 });
  assert(found.nothing.auc > 0.75, `${found.nothing.auc}`);
  for (const one of ["secure aggregation", "epsilon 8", "epsilon 1"] as const) {
    assert(found[one].auc < 0.62, `${one}: ${found[one].auc}`);
  }
});

Deno.test("separation() has the area and the advantage of small examples", () => {
  assertEquals(separation([1, 2], [3, 4]), { auc: 1, advantage: 1 });
  assertEquals(separation([3, 4], [1, 2]), { auc: 0, advantage: 0 });
  assertEquals(separation([1, 3], [2, 4]), { auc: 0.75, advantage: 0.5 });
});

Deno.test("lossOf() is the loss of the model", async () => {
  const { train, model, initial, manifest } = task;
  const data = train.select([0, 1, 2]), layers = denseLayers(manifest);
  await using evaluator = await modelEvaluator(model, data);
  const { loss } = await evaluator.evaluate(initial);
  const size = data.features.length / data.length;
  const own = [0, 1, 2].map((row) =>
    lossOf(
      layers,
      initial,
      data.features.slice(row * size, (row + 1) * size),
      data.labels[row] ?? 0,
    )
  );
  assertAlmostEquals(own.reduce((a, b) => a + b, 0) / 3, loss, 1e-5);
});

Deno.test("summed() is the sum of updates but for the steps of the ring", () => {
  const updates = [[0.5, -1], [0.25, 2], [1, 0.125]].map((values) => new Float32Array(values));
  summed(updates).forEach((value, i) => assertAlmostEquals(value, [1.75, 1.125][i] ?? NaN, 1e-6));
  assertAlmostEquals(correlation(new Float32Array([1, 2, 3]), new Float32Array([2, 4, 6])), 1);
});
