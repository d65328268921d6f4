import { partition } from "../../src/data/partition/partition.ts";
import { Dataset } from "../../src/data/dataset.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";

const SCHEMA: Schema = {
  format: "fedlab.schema/1",
  inputs: [{ name: "area", kind: "number" }],
  target: { name: "rent", task: "regression", outputs: [{ name: "rent" }, { name: "heating" }] },
};

function rents(): Dataset {
  return Dataset.of({
    features: Float32Array.of(12, 30, 45),
    targets: Float32Array.of(420.5, 30, 910, 70, 1200, 95),
    shape: [1],
    task: "regression",
    outputs: 2,
    weights: Float32Array.of(1, 0.5, 2),
    schema: SCHEMA,
  });
}

/** Makes a data set as plain JavaScript would, whose arguments nobody checks. */
function make(features: unknown, labels: unknown, shape: unknown = [2], numClasses: unknown = 3) {
  return Reflect.construct(Dataset, [features, labels, shape, numClasses]) as Dataset;
}

Deno.test("new Dataset() refuses labels that are not whole numbers, and names the row", () => {
  const message = (labels: Float32Array, numClasses = 3) =>
    assertThrows(
      () => make(new Float32Array(2 * labels.length), labels, [2], numClasses),
      RangeError,
    ).message;
  const expected = "Cannot make a data set: expected whole numbers from";
  assertEquals(
    message(Float32Array.of(0.2, 0.7, 1.4, 0.9)),
    `${expected} 0 to 2, got 0.2 in row 0 of the labels`,
  );
  assertEquals(
    message(Float32Array.of(0, NaN), 2),
    `${expected} 0 to 1, got NaN in row 1 of the labels`,
  );
  assertEquals(
    message(Float32Array.of(0, 1, -1)),
    `${expected} 0 to 2, got -1 in row 2 of the labels`,
  );
  assertEquals(message(Float32Array.of(3)), `${expected} 0 to 2, got 3 in row 0 of the labels`);
});

Deno.test("new Dataset() takes whole labels of any typed array as the classes they name", () => {
  const data = make(new Float32Array(6), Float64Array.of(2, 0, 1));
  assertEquals(data.labels, Int32Array.of(2, 0, 1));
  assertEquals(data.select([0, 2]).labels, Int32Array.of(2, 1));
});

Deno.test("new Dataset() names the kind of array that it got", () => {
  const features = new Float32Array(4), labels = new Int32Array(2);
  const message = (...parts: Parameters<typeof make>) =>
    assertThrows(() => make(...parts), TypeError).message;
  assertEquals(
    message([1, 2, 3, 4], labels),
    "Cannot make a data set: expected features in a Float32Array, got an Array",
  );
  assertEquals(
    message(new Float64Array(4), labels),
    "Cannot make a data set: expected features in a Float32Array, got a Float64Array",
  );
  assertEquals(
    message(features, [0, 1]),
    "Cannot make a data set: expected labels in an Int32Array, got an Array",
  );
  assertEquals(
    message(features, BigInt64Array.of(0n, 1n)),
    "Cannot make a data set: expected labels in an Int32Array, got a BigInt64Array",
  );
  assertEquals(
    message(features, undefined),
    "Cannot make a data set: expected labels in an Int32Array, got undefined",
  );
  assertEquals(
    message(features, labels, 2),
    "Cannot make a data set: expected a shape in an Array, got a number",
  );
});

Deno.test("Dataset.of() holds measures, of which select() and share() keep everything", () => {
  for (const data of [rents().select([2, 0]), rents().share().select([2, 0])]) {
    assertEquals(data.targets, Float32Array.of(1200, 95, 420.5, 30));
    assertEquals(data.weights, Float32Array.of(2, 1));
    assertEquals([data.length, data.outputs, data.task, data.numClasses], [2, 2, "regression", 0]);
    assertStrictEquals(data.schema, SCHEMA);
  }
  const shared = rents().share();
  assertStrictEquals(shared.share(), shared);
  assertEquals(shared.withFeatures(new Float32Array(3)).targets, rents().targets);
});

Deno.test("Dataset.labels refuses to give measures as labels", () => {
  assertThrows(
    () => rents().labels,
    TypeError,
    "Cannot give the labels of a data set: expected the task classification with one label of a row, got regression",
  );
});

Deno.test("Dataset keeps a label for each step of a sequence, and none where it is -1", () => {
  const parts = { features: new Float32Array(6), shape: [3], numClasses: 2, outputs: 3 };
  const task = "classification";
  const data = Dataset.of({ ...parts, targets: Int32Array.of(0, 1, -1, 1, 1, 0), task });
  assertEquals([data.length, data.outputs], [2, 3]);
  assertEquals(data.select([1]).targets, Int32Array.of(1, 1, 0));
  assertEquals(data.share().outputs, 3);
  assertThrows(() => data.labels, TypeError, "got 3 labels of a row");
  assertThrows(() => partition("shards:2", data, { parts: 2, seed: 1 }), TypeError, "3 labels");
  for (
    const [targets, message] of [
      [Int32Array.of(0, 1, -2), "expected whole numbers from -1 to 1, got -2 in row 0"],
      [Int32Array.of(0, 1, 1, 1), "expected rows of 3 targets, got 4 values"],
    ] as const
  ) {
    assertThrows(() => Dataset.of({ ...parts, targets, task }), RangeError, message);
  }
});

Deno.test("Dataset.of() refuses targets and weights that a loss cannot use", () => {
  const parts = { features: new Float32Array(2), shape: [1] };
  const { of } = Dataset;
  assertThrows(
    () => of({ ...parts, targets: Float32Array.of(1, Infinity), task: "regression" }),
    RangeError,
    "expected finite targets, got Infinity in row 1",
  );
  assertThrows(
    () => of({ ...parts, targets: Float32Array.of(1, 0, 0.5, 1), task: "multi-label", outputs: 2 }),
    RangeError,
    "expected 0 or 1 for each label, got 0.5 in row 1",
  );
  assertThrows(
    () => of({ ...parts, targets: new Float32Array(3), task: "regression", outputs: 2 }),
    RangeError,
    "expected rows of 2 targets, got 3 values",
  );
  assertThrows(
    () => of({ ...parts, targets: new Int32Array(2), task: "regression" }),
    TypeError,
    "expected targets in a Float32Array, got an Int32Array",
  );
  const labels = { ...parts, targets: new Int32Array(2), task: "classification", numClasses: 1 };
  assertThrows(
    () => of({ ...labels, task: "classification", weights: Float32Array.of(1, -1) }),
    RangeError,
    "expected finite weights from 0, got -1 in row 1",
  );
  assertThrows(
    () => of({ ...labels, task: "classification", weights: new Float32Array(1) }),
    RangeError,
    "expected 2 weights of rows, got 1",
  );
});
