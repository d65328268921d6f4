import { Random } from "../../../src/base/random.ts";
import type { MetricSums } from "../../../src/plan/metric_sums.ts";
import { addSums } from "../../../src/train/metrics/add_sums.ts";
import { classMetrics } from "../../../src/train/metrics/class_metrics.ts";
import { metricsOf } from "../../../src/train/metrics/metrics.ts";
import { makeTally } from "../../../src/train/metrics/tally.ts";
import type { Dataset } from "../../../src/data/dataset.ts";
import type { LossName } from "../../../src/train/handler.ts";
import { exactAveragePrecision, exactRocAuc, mean } from "../../helpers/exact_metrics.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";

interface Rows {
  readonly output: Float32Array;
  readonly targets: Int32Array | Float32Array;
  readonly units: number;
}

function sumsOf(
  { output, targets, units }: Rows,
  loss: LossName,
  data: Pick<Dataset, "task" | "schema"> = { task: "classification" },
): MetricSums {
  const tally = makeTally(data, loss, units);
  tally?.add(output, targets);
  const sums = tally?.sums;
  assert(sums);
  return sums;
}

/** Rows of classes with overlapping scores; some classes have more rows than others. */
function noisyClasses(rows: number, classes: number, gain: number, seed = 1): Rows {
  const random = new Random(seed, "test");
  const targets = Int32Array.from(
    { length: rows },
    () => Math.floor(classes * random.uniform() ** 2),
  );
  const output = new Float32Array(rows * classes);
  output.forEach((_, i) => {
    const isOwn = i % classes === targets[Math.floor(i / classes)];
    output[i] = gain * (random.normal() + (isOwn ? 1.2 : 0));
  });
  return { output, targets, units: classes };
}

/** Probabilities of a row, in float64. */
function softmax(z: readonly number[]): number[] {
  const powers = z.map((value) => Math.exp(value - Math.max(...z)));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

Deno.test("metricsOf() of classes equals the definitions on all rows", () => {
  for (const classes of [2, 4]) {
    const rows = noisyClasses(700, classes, 1.5), labels = [...rows.targets];
    const shares = labels.map((_, row) =>
      softmax([...rows.output.subarray(row * classes, (row + 1) * classes)])
    );
    const answers = shares.map((p) => p.indexOf(Math.max(...p)));
    const metrics = metricsOf(sumsOf(rows, "softmaxCrossEntropy"));
    const of = (c: number, list: readonly number[]) => list.map((value) => value === c);
    const each = Array.from({ length: classes }, (_, c) => {
      const actual = of(c, labels), answered = of(c, answers);
      const hits = actual.filter((is, i) => is && answered[i]).length;
      const precision = hits / answered.filter(Boolean).length;
      const recall = hits / actual.filter(Boolean).length;
      const scores = shares.map((p) => p[c] ?? NaN);
      return {
        precision,
        recall,
        f1: 2 * precision * recall / (precision + recall),
        rocAuc: exactRocAuc(scores, actual),
        averagePrecision: exactAveragePrecision(scores, actual),
      };
    });
    const near = (name: string, want: number, tolerance = 1e-9) =>
      assertAlmostEquals(metrics[name] ?? NaN, want, tolerance, `${name} of ${classes} classes`);
    near("accuracy", mean(labels.map((label, i) => Number(label === answers[i]))));
    near("balancedAccuracy", mean(each.map(({ recall }) => recall)));
    near("precision", mean(each.map(({ precision }) => precision)));
    near("recall", mean(each.map(({ recall }) => recall)));
    near("f1", mean(each.map(({ f1 }) => f1)));
    // Binary metrics of curves are those of class 1.
    const curves = classes === 2 ? each.slice(1) : each;
    near("rocAuc", mean(curves.map(({ rocAuc }) => rocAuc)), 1e-3);
    near("averagePrecision", mean(curves.map((one) => one.averagePrecision)), 1e-3);
    near("logLoss", mean(labels.map((label, i) => -Math.log(shares[i]?.[label] ?? NaN))));
    const brier = labels.map((label, i) =>
      (shares[i] ?? []).reduce((sum, p, c) => sum + (p - Number(c === label)) ** 2, 0)
    );
    near("brier", mean(brier) / (classes === 2 ? 2 : 1));
    const bins = Array.from(
      { length: 15 },
      (_, bin) =>
        labels.keys().toArray().filter((i) =>
          Math.floor(15 * Math.max(...shares[i] ?? [])) === bin
        ),
    );
    const gaps = bins.filter((bin) => bin.length > 0).map((bin) =>
      bin.length / labels.length * Math.abs(
        mean(bin.map((i) => Math.max(...shares[i] ?? []))) -
          mean(bin.map((i) => Number(answers[i] === labels[i]))),
      )
    );
    near("calibrationError", gaps.reduce((a, b) => a + b));
  }
});

Deno.test("sums of clients add up to those of all rows, whatever the order", () => {
  const all = noisyClasses(6000, 3, 4), random = new Random(3, "test");
  const cuts = [0, 10, 1500, 1501, 4000, 6000];
  const parts = cuts.slice(1).map((to, i) => {
    const from = cuts[i] ?? 0;
    return sumsOf({
      output: all.output.subarray(3 * from, 3 * to),
      targets: all.targets.subarray(from, to),
      units: 3,
    }, "softmaxCrossEntropy");
  });
  const pooled = sumsOf(all, "softmaxCrossEntropy");
  const shuffled = random.shuffle(Uint32Array.from(parts.keys()));
  for (const order of [[...parts.keys()], [...shuffled]]) {
    const merged = order.map((i) => parts[i]).filter((part) => part !== undefined)
      .reduce((a, b) => addSums(a, b));
    assert(merged.task === "classification" && pooled.task === "classification");
    assertEquals(merged.scores, pooled.scores);
    assertEquals(merged.confusion, pooled.confusion);
    const metrics = metricsOf(pooled);
    for (const [name, value] of Object.entries(metricsOf(merged))) {
      assertAlmostEquals(value, metrics[name] ?? NaN, 1e-12, name);
    }
  }
});

Deno.test("a metric that a class without rows leaves undefined is absent, and is never NaN", () => {
  const one = (label: number) => ({
    output: Float32Array.of(0.3, -1, 2),
    targets: Int32Array.of(label, label, label),
    units: 1,
  });
  for (const label of [0, 1]) {
    const metrics = metricsOf(sumsOf(one(label), "sigmoidCrossEntropy"));
    assertEquals("rocAuc" in metrics, false);
    assert(Object.values(metrics).every(Number.isFinite));
  }
  assertEquals("averagePrecision" in metricsOf(sumsOf(one(0), "sigmoidCrossEntropy")), false);
  // With a client that has the other class, the curve of both is there.
  const both = addSums(
    sumsOf(one(0), "sigmoidCrossEntropy"),
    sumsOf({ ...one(1), output: Float32Array.of(3, 4, 1) }, "sigmoidCrossEntropy"),
  );
  assertAlmostEquals(metricsOf(both).rocAuc ?? NaN, 8 / 9, 1e-12);
});

Deno.test("makeTally() gives no sums of outputs that are not numbers", () => {
  for (const loss of ["softmaxCrossEntropy", "meanSquaredError"] as const) {
    const tally = makeTally({ task: "classification" }, loss, 1);
    tally?.add(Float32Array.of(1, NaN), Int32Array.of(0, 0));
    assertEquals(tally?.sums, undefined);
  }
});

Deno.test("metricsOf() of labels are the means over the labels, and accuracy is that of whole rows", () => {
  const sums = sumsOf(
    {
      output: Float32Array.of(2, -1, -3, 1, 1, 1, -2, -2),
      targets: Float32Array.of(1, 0, 0, 0, 1, 1, 1, 0),
      units: 2,
    },
    "sigmoidCrossEntropy",
    { task: "multi-label" },
  );
  assert(sums.task === "multi-label");
  assertEquals(sums.confusion, [1, 0, 1, 2, 2, 1, 0, 1]);
  const metrics = metricsOf(sums);
  assertEquals(metrics.accuracy, 0.5);
  assertEquals(metrics.precision, (1 + 0.5) / 2);
  assertAlmostEquals(metrics.recall ?? NaN, (2 / 3 + 1) / 2, 1e-12);
  assertAlmostEquals(metrics.rocAuc ?? NaN, (1 + 2.5 / 3) / 2, 1e-12);
  assertEquals("balancedAccuracy" in metrics, false);
  assertEquals(classMetrics(sums).map(({ samples }) => samples), [3, 1]);
});

Deno.test("metricsOf() of measures are in their own units, where a schema standardized them", () => {
  const targets = [120_000, 90_500, 200_000, 150_250], errors = [1000, -2000, 0, 500];
  const center = 130_000, deviation = 40_000;
  const standard = (values: readonly number[]) =>
    Float32Array.from(values, (value) => (value - center) / deviation);
  const metrics = metricsOf(sumsOf(
    {
      output: standard(targets.map((value, i) => value + (errors[i] ?? 0))),
      targets: standard(targets),
      units: 1,
    },
    "huber",
    {
      task: "regression",
      schema: {
        format: "fedlab.schema/1",
        inputs: [],
        target: {
          name: "price",
          task: "regression",
          outputs: [{ name: "price", standardize: { mean: center, deviation } }],
        },
      },
    },
  ));
  const squares = mean(errors.map((error) => error ** 2));
  const level = mean(targets);
  const spread = mean(targets.map((value) => (value - level) ** 2));
  assertAlmostEquals(metrics.rmse ?? NaN, Math.sqrt(squares), 0.05);
  assertAlmostEquals(metrics.mae ?? NaN, 875, 0.05);
  assertAlmostEquals(metrics.r2 ?? NaN, 1 - squares / spread, 1e-6);
});

Deno.test("metricsOf() has no R² of targets that are all equal", () => {
  const rows = {
    output: Float32Array.of(2000.5, 2001),
    targets: Float32Array.of(2000.1, 2000.1),
    units: 1,
  };
  const metrics = metricsOf(sumsOf(rows, "meanSquaredError", { task: "regression" }));
  assertEquals(Object.keys(metrics), ["rmse", "mae"]);
});

Deno.test("addSums() refuses sums of another task or of more outputs", () => {
  const [three, two] = [3, 2].map((classes) =>
    sumsOf(noisyClasses(9, classes, 1), "softmaxCrossEntropy")
  );
  assert(three && two);
  assertThrows(() => addSums(three, two), RangeError, "expected those of 3 outputs");
});
