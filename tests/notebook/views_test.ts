import { assert, assertEquals, assertMatch, assertThrows } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { partition } from "../../src/data/partition/partition.ts";
import { partitionIid } from "../../src/data/partition/iid.ts";
import { parseSchema } from "../../src/data/schema/parse.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { confusionMatrix, curves, display, partitionView, View } from "../../src/notebook/mod.ts";
import { Predictions } from "../../src/predict/predictions.ts";
import { withDisplay } from "../../src/round/report/make_report.ts";
import type { RoundReport, RunReport } from "../../src/round/report/report.ts";

const HOSTILE = `<img src=x onerror="alert(1)">'&\u0000\u202e\n${"x".repeat(200)}`;

/** Shows a value as the kernel does. */
async function mediaOf(value: object): Promise<Record<string, string>> {
  const method = Reflect.get(value, Symbol.for("Jupyter.display"));
  assert(typeof method === "function");
  return await method.call(value);
}

/** Asserts that a hostile text is neither markup nor invisible in any form. */
function assertHarmless(media: Record<string, string>): void {
  const rich = `${media["text/html"] ?? ""}${media["image/svg+xml"] ?? ""}`;
  const all = rich + decodeURIComponent(
    [...rich.matchAll(/data:image\/svg\+xml,([^"]*)/g)].map(([, svg]) => svg).join(""),
  );
  assert(all.includes("&lt;img"), all);
  assert(!all.includes("<img src=x") && !all.includes('alert(1)"'), all);
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000\u202e]/.test(all + media["text/plain"]));
}

const schema: Schema = {
  format: "fedlab.schema/1",
  inputs: [
    { name: HOSTILE, kind: "number", unit: HOSTILE, standardize: { mean: 1.23456, deviation: 2 } },
    { name: "b", kind: "category", categories: [HOSTILE, "m"], unknown: "other" },
  ],
  target: { name: HOSTILE, task: "classification", classes: [HOSTILE, "no"] },
};

function rows(length: number): Dataset {
  return Dataset.of({
    features: Float32Array.from({ length: 4 * length }, (_, i) => i / 3),
    targets: Int32Array.from({ length }, (_, i) => i % 2),
    shape: [4],
    numClasses: 2,
    task: "classification",
    schema,
  });
}

const round = (round: number, accuracy?: number): RoundReport => ({
  ...{ round, cohort: [1, 2], received: 2, dropped: 0, refused: 0, tries: 1, losses: [] },
  ...{ bytesUp: 1500, bytesDown: 1500, seconds: 0.5, loss: 1 / round },
  ...(accuracy !== undefined && { accuracy }),
});

const report: RunReport = {
  ...{ schema: "fedlab.run/1", seed: 1, strategy: HOSTILE, transport: "simulation" },
  ...{ worldSize: 3, kernels: "x", modelDigest: "0", seconds: 1 },
  rounds: [round(1, 0.5), round(2, 0.75)],
  final: { samples: 4, accuracy: 0.75, confusion: [[2, 0], [1, 1]], classes: [HOSTILE, "no"] },
};

Deno.test("a data set shows its size, its first rows and its classes", async () => {
  const media = await mediaOf(rows(10));
  const lines = media["text/plain"]?.split("\n") ?? [];
  assertEquals(lines[0], "10 rows of the shape [4], classification with 2 classes");
  assertMatch(lines.at(2) ?? "", /^ +0 {2} +0\.3333 /);
  assertEquals(lines.slice(-3)[0], "2 more rows");
  assertMatch(lines.at(-1) ?? "", /^rows +5 +5$/);
  assertHarmless(media);
});

Deno.test("data sets without rows, of measures, of labels and of pictures show themselves", async () => {
  assertMatch((await mediaOf(rows(0)))["text/plain"] ?? "", /^0 rows/);
  const regression = Dataset.of({
    ...{ features: Float32Array.of(1, 2), targets: Float32Array.of(0.5, 1.5) },
    ...{ shape: [1], task: "regression" },
  });
  assertMatch((await mediaOf(regression))["text/plain"] ?? "", /with 1 measure\n/);
  const labels = Dataset.of({
    ...{ features: Float32Array.of(1, 2), targets: Float32Array.of(0, 1, 1, 1) },
    ...{ shape: [1], task: "multi-label", outputs: 2 },
  });
  assertMatch((await mediaOf(labels))["text/plain"] ?? "", /rows +1 +2$/);
  for (const channels of [1, 3]) {
    const pictures = Dataset.of({
      ...{ features: Float32Array.from({ length: 6 * channels }, (_, i) => i) },
      ...{
        targets: Int32Array.of(0),
        shape: [2, 3, channels],
        numClasses: 1,
        task: "classification",
      },
    });
    const [, base64 = ""] = /data:image\/bmp;base64,([^"]+)/.exec(
      (await mediaOf(pictures))["text/html"] ?? "",
    ) ?? [];
    const bytes = Uint8Array.fromBase64(base64), view = new DataView(bytes.buffer);
    // Lines of three pixels of three bytes are filled up to 12 bytes; blue comes first.
    assertEquals([bytes.length, view.getInt32(18, true), view.getInt32(22, true)], [78, 3, -2]);
    assertEquals([...bytes.subarray(54, 57)], channels === 1 ? [0, 0, 0] : [30, 15, 0]);
    assertEquals(bytes[54 + 12 + 6 + 0], 255);
  }
});

Deno.test("a partition shows its sizes and a chart, with the names of the classes", async () => {
  const media = await mediaOf(partition("iid", rows(10), { parts: 2, seed: 1 }));
  assertMatch(media["text/plain"] ?? "", /^iid: 10 rows, 2 clients\n/);
  assertMatch(media["text/html"] ?? "", /src="data:image\/svg\+xml,/);
  assertHarmless(media);
  const regression = Dataset.of({
    ...{ features: Float32Array.of(1, 2), targets: Float32Array.of(0.5, 1.5) },
    ...{ shape: [1], task: "regression" },
  });
  const parts = partition("iid", regression, { parts: 2, seed: 1 });
  assert(!(await mediaOf(parts))["text/plain"]?.includes("labels"));
  const labels = [0, 1, 0, 1];
  const view = partitionView(partitionIid(labels, 2, { seed: 1 }), labels, { title: "mine" });
  assertMatch(`${view}`, /^mine: 4 rows, 2 clients/);
});

Deno.test("a schema shows its inputs, also one that comes from a file", async () => {
  const media = await mediaOf(display(schema));
  assertMatch(media["text/plain"] ?? "", /mean 1\.235, deviation 2/);
  assertHarmless(media);
  const named = parseSchema({
    format: "fedlab.schema/1",
    inputs: [{ name: "<b>", kind: "number", missing: { policy: "constant", fill: 3 } }],
    target: { name: "y", task: "regression", outputs: [{ name: "y" }] },
  });
  assertMatch((await mediaOf(named))["text/plain"] ?? "", /constant: 3/);
  assertMatch((await mediaOf(named))["text/html"] ?? "", /&lt;b&gt;/);
});

Deno.test("a report shows its rounds and its curve, and is the same data as before", async () => {
  const shown = withDisplay({ ...report });
  const media = await mediaOf(shown);
  assertMatch(media["text/plain"] ?? "", /2 rounds, accuracy 75\.00% on 4 samples/);
  assertHarmless(media);
  assertEquals(shown, report);
  assertEquals(JSON.stringify(shown), JSON.stringify(report));
  assertEquals(structuredClone(shown), report);
  assertEquals(Reflect.ownKeys({ ...shown }), Object.keys(report));
  assertEquals(Deno.inspect(shown), Deno.inspect(report));
  // A report without rounds or figures is shown as well.
  assertMatch(`${display({ ...report, rounds: [] })}`, /0 rounds/);
  const many = Array.from({ length: 1000 }, (_, i) => round(i + 1));
  assertMatch(`${display({ ...report, rounds: many })}`, /980 rounds between/);
});

Deno.test("curves() draws runs together and refuses none", async () => {
  const media = await mediaOf(curves({ [HOSTILE]: report, other: report }));
  assertMatch(media["image/svg+xml"] ?? "", /Accuracy by round/);
  assertHarmless(media);
  const losses = { ...report, rounds: [round(1), round(2)] };
  assertMatch((await mediaOf(curves({ a: losses })))["image/svg+xml"] ?? "", /Loss by round/);
  assertThrows(() => curves({}), RangeError, "expected one run or more, got none");
  assertThrows(() => curves({ a: { ...report, rounds: [] } }), RangeError, "Cannot plot a");
});

Deno.test("confusionMatrix() names the classes and refuses a result without counts", async () => {
  const media = await mediaOf(confusionMatrix(report));
  assertMatch(
    media["text/plain"] ?? "",
    /^Confusion matrix of 4 samples: 3 answers right, 75\.00%/,
  );
  assertHarmless(media);
  const result = { loss: 1, numSamples: 3, confusion: [[1, 0, 1], [0, 1, 0]] };
  assertMatch(`${confusionMatrix(result, { classes: ["a", "b"] })}`, /a +b +beyond the classes\n/);
  const { final: _, ...without } = report;
  assertThrows(() => confusionMatrix(without), RangeError, "got a result without one");
});

Deno.test("predictions show classes with probabilities", async () => {
  const predictions = new Predictions({
    ...{ task: "classification", names: [HOSTILE, "b"] },
    ...{ scores: Float64Array.of(0.75, 0.25, NaN, NaN), notes: ["a note"] },
  });
  const media = await mediaOf(predictions);
  assertMatch(media["text/plain"] ?? "", /75\.00%[^]*no prediction[^]*a note/);
  assertHarmless(media);
  const measures = new Predictions({
    ...{ task: "regression", names: ["rent"], scores: Float64Array.of(812.3456789) },
  });
  assertMatch((await mediaOf(measures))["text/plain"] ?? "", /812\.346$/);
});

Deno.test("display() refuses what is neither a report nor a schema", () => {
  const other = { format: "other" } as unknown as Schema;
  assertThrows(() => display(other), TypeError, "Cannot show the value");
  assertEquals(new View({ "text/plain": "x" }).toString(), "x");
});
