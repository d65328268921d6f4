import {
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { Manifest, type TensorDeclaration } from "../../src/params/manifest.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LAYERS: TensorDeclaration[] = [
  { name: "dense/kernel", shape: [784, 10] },
  { name: "dense/bias", shape: [10] },
  { name: "norm/μ", shape: [], trainable: false },
  { name: "empty", shape: [0, 3] },
];

Deno.test("Manifest.of() lays tensors out one after the other", () => {
  const manifest = Manifest.of(LAYERS);
  assertEquals(manifest.length, 7851);
  assertEquals(manifest.byteLength, 31404);
  assertEquals(manifest.tensors, [
    {
      name: "dense/kernel",
      shape: [784, 10],
      dtype: "float32",
      offset: 0,
      length: 7840,
      trainable: true,
    },
    {
      name: "dense/bias",
      shape: [10],
      dtype: "float32",
      offset: 7840,
      length: 10,
      trainable: true,
    },
    { name: "norm/μ", shape: [], dtype: "float32", offset: 7850, length: 1, trainable: false },
    { name: "empty", shape: [0, 3], dtype: "float32", offset: 7851, length: 0, trainable: true },
  ]);
});

Deno.test("Manifest.of() keeps no tie to the declarations", () => {
  const shape = [2, 3];
  const manifest = Manifest.of([{ name: "kernel", shape }]);
  shape[0] = 5;
  assertEquals(manifest.tensors[0]?.shape, [2, 3]);
  assertThrows(() => (manifest.tensors as unknown[]).push(1), TypeError);
});

Deno.test("Manifest.of() takes no tensors at all", () => {
  assertEquals(Manifest.of([]).length, 0);
});

Deno.test("Manifest.digest() is the SHA-256 of the text that its documentation gives", async () => {
  // By Python's hashlib, of that text.
  assertEquals(
    await Manifest.of(LAYERS).digest(),
    "d50cabdbfe9741bd73839faa6a9ef1959ed7437ed1d0e8ddc7beeaca6392c1a3",
  );
  assertEquals(
    await Manifest.of([]).digest(),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

Deno.test("Manifest.digest() tells manifests apart by name, shape, order and trainable", async () => {
  const one = await Manifest.of([{ name: "a", shape: [4] }, { name: "b", shape: [4] }]).digest();
  for (
    const other of [
      [{ name: "a", shape: [4] }, { name: "c", shape: [4] }],
      [{ name: "a", shape: [2, 2] }, { name: "b", shape: [4] }],
      [{ name: "b", shape: [4] }, { name: "a", shape: [4] }],
      [{ name: "a", shape: [4] }, { name: "b", shape: [4], trainable: false }],
    ]
  ) assertNotEquals(await Manifest.of(other).digest(), one);
});

Deno.test("Manifest.of() refuses names that are none, and a name twice", () => {
  for (const name of ["", "x".repeat(257), "tab\there", "line\nfeed", "del\u007F"]) {
    assertThrows(
      () => Manifest.of([{ name, shape: [1] }]),
      TypeError,
      "expected a name of 1 to 256 characters",
    );
  }
  assertEquals(Manifest.of([{ name: "x".repeat(256), shape: [1] }]).length, 1);
  assertThrows(
    () => Manifest.of([{ name: "a", shape: [1] }, { name: "a", shape: [2] }]),
    RangeError,
    'Cannot lay out tensor "a": the name stands twice in the manifest',
  );
});

Deno.test("Manifest.of() refuses other element types", () => {
  for (const dtype of ["int32", "float16", "bool", ""]) {
    assertThrows(
      () => Manifest.of([{ name: "a", shape: [1], dtype }]),
      TypeError,
      "expected dtype float32",
    );
  }
});

Deno.test("Manifest.of() refuses shapes that are none, and too many elements", () => {
  for (const shape of [[-1], [1.5], [NaN], [2, Infinity]]) {
    assertThrows(
      () => Manifest.of([{ name: "a", shape }]),
      TypeError,
      "expected a shape of whole numbers",
    );
  }
  assertEquals(Manifest.of([{ name: "a", shape: [2 ** 15, 2 ** 15] }]).length, 2 ** 30);
  assertThrows(
    () => Manifest.of([{ name: "a", shape: [2 ** 30] }, { name: "b", shape: [1] }]),
    RangeError,
    "expected at most 1073741824 elements in all, got 1073741825",
  );
});

Deno.test("Manifest.views() are the vector's own parts", () => {
  const manifest = Manifest.of([{ name: "a", shape: [2] }, { name: "b", shape: [] }, {
    name: "c",
    shape: [0],
  }]);
  const vector = new Float32Array([1, 2, 3]);
  const views = manifest.views(vector);
  assertEquals(views.map((view) => [...view]), [[1, 2], [3], []]);
  for (const view of views) assertStrictEquals(view.buffer, vector.buffer);
  views[1]?.fill(7);
  assertEquals([...vector], [1, 2, 7]);
});

Deno.test("Manifest.views() and check() refuse a vector of another length", () => {
  const manifest = Manifest.of([{ name: "a", shape: [3] }]);
  manifest.check(new Float32Array(3));
  for (const use of [manifest.views.bind(manifest), manifest.check.bind(manifest)]) {
    assertThrows(() => use(new Float32Array(2)), RangeError, "expected 3 values, got 2");
  }
});
