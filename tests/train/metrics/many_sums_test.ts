import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../../src/base/random.ts";
import type { MetricSums } from "../../../src/plan/metric_sums.ts";
import { Evaluations } from "../../../src/round/report/evaluations.ts";
import { meanOfClients } from "../../../src/round/report/means.ts";
import { addAllSums, addSums } from "../../../src/train/metrics/add_sums.ts";
import { makeTally } from "../../../src/train/metrics/tally.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Sums of clients with a few rows each, of two classes or three measures. */
function clientSums(count: number, task: "classification" | "regression"): MetricSums[] {
  const random = new Random(11, "test");
  return Array.from({ length: count }, (_, client) => {
    const isClass = task === "classification", rows = 1 + client % 4;
    const tally = makeTally({ task }, isClass ? "sigmoidCrossEntropy" : "meanSquaredError", 1);
    const output = Float32Array.from({ length: rows }, () => 3 * random.normal());
    tally?.add(
      output,
      isClass
        ? Int32Array.from({ length: rows }, () => random.below(2))
        : Float32Array.from({ length: rows }, () => random.normal()),
    );
    assert(tally?.sums);
    return tally.sums;
  });
}

Deno.test("addAllSums() gives, to the bit, what the sums added one after the other give", () => {
  for (const task of ["classification", "regression"] as const) {
    for (const count of [1, 2, 3, 64, 777, 3001]) {
      const [first, ...others] = clientSums(count, task);
      assert(first);
      const inTurn = others.reduce((sum, one) => addSums(sum, one), first);
      assertEquals(addAllSums(first, others), inTurn);
    }
  }
});

Deno.test("meanOfClients() averages the finite losses alone, and takes metrics from all sums", () => {
  const sums = clientSums(30, "classification");
  const results = sums.map((sums, i) => ({
    numSamples: sums.samples,
    loss: i % 3 === 0 ? Infinity : i,
    accuracy: 0.5,
    sums,
  }));
  const mean = meanOfClients(results);
  let weighted = 0, samples = 0;
  for (const { loss, numSamples } of results) {
    if (!Number.isFinite(loss)) continue;
    weighted += loss * numSamples;
    samples += numSamples;
  }
  assertEquals(mean?.loss, weighted / samples);
  const [first, ...others] = sums;
  assertEquals(mean?.sums, first && addAllSums(first, others));
  const without = results.map((result) => ({ ...result, numSamples: 0 }));
  assertEquals(meanOfClients(without), undefined);
});

Deno.test("Evaluations of more clients than are added at once have the sums of the most common shape", () => {
  const common = clientSums(1000, "classification"), others = clientSums(400, "regression");
  const evaluations = new Evaluations();
  for (const [i, sums] of common.entries()) {
    evaluations.add({ numSamples: sums.samples, loss: 1, sums });
    const other = others[i];
    if (other) evaluations.add({ numSamples: other.samples, loss: 1, sums: other });
  }
  const [first, ...rest] = common;
  assertEquals(evaluations.mean?.sums, first && addAllSums(first, rest));
  // More than half of the results must have sums of one shape.
  for (let i = 0; i < 600; i++) evaluations.add({ numSamples: 1, loss: 1 });
  assertEquals(evaluations.mean?.sums, undefined);
});
