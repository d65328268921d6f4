import { assert, assertEquals, assertStrictEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { ByteFeatures } from "../../src/data/byte_features.ts";
import { type Dataset, datasetOf, storedFeatures } from "../../src/data/dataset.ts";
import { isFiniteData } from "../../src/data/finite.ts";

const BYTES = Uint8Array.from({ length: 256 }, (_, i) => (i * 77) % 256);

function dataOf(scale: number): Dataset {
  return datasetOf(new ByteFeatures(BYTES, scale), {
    targets: Int32Array.from({ length: 64 }, (_, i) => i % 3),
    shape: [4],
    task: "classification",
    numClasses: 3,
  });
}

for (const scale of [1 / 255, 1 / 3, 1, -0.1]) {
  Deno.test(`Dataset of bytes times ${scale} has the floats that are nearest to the products`, () => {
    const data = dataOf(scale);
    assertEquals([data.length, data.rowLength], [64, 4]);
    assertEquals(data.features, Float32Array.from(BYTES, (byte) => Math.fround(byte * scale)));
  });
}

Deno.test("Dataset of bytes keeps bytes until its features are read, and then floats alone", () => {
  const data = dataOf(1);
  assert(storedFeatures(data) instanceof ByteFeatures);
  data.features[5] = 0.25;
  assertStrictEquals(storedFeatures(data), data.features);
  assertEquals(data.features[5], 0.25);
});

Deno.test("Dataset.select() and share() of bytes give bytes, with the same features", () => {
  const data = dataOf(1 / 255), rows = [3, 63, 3, 0];
  const chosen = data.select(rows), shared = chosen.share();
  const stored = storedFeatures(shared);
  assert(stored instanceof ByteFeatures && stored.bytes.buffer instanceof SharedArrayBuffer);
  assertStrictEquals(shared.share(), shared);
  assertEquals(shared.features, dataOf(1 / 255).withFeatures(data.features).select(rows).features);
  assertEquals(shared.labels, Int32Array.of(0, 0, 0, 0));
});

Deno.test("isFiniteData() of bytes is true, and needs no floats", () => {
  const data = dataOf(1 / 255);
  assert(isFiniteData(data));
  assert(storedFeatures(data) instanceof ByteFeatures);
});

Deno.test("ByteFeatures refuse a scale by which a feature is not finite", () => {
  for (const scale of [NaN, Infinity, 1e38]) {
    assertThrows(() => new ByteFeatures(BYTES, scale), RangeError, "finite scale");
  }
});
