import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "jsr:@std/assert@1.0.19";
import { parseIdx } from "../../src/data/formats/idx/idx.ts";
import { readIdxDataset } from "../../src/data/formats/idx/idx_dataset.ts";
import type { IdxValues } from "../../src/data/formats/idx/idx_header.ts";
import { loadDataset } from "../../src/data/catalog/load.ts";
import { arrayMoments } from "../../src/data/schema/array_schema.ts";
import { gzip, idxOf } from "../helpers/idx.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const DATA_DIR = Deno.env.get("FEDLAB_DATA") ?? `${import.meta.dirname}/../../../shared/data`;
const MNIST_IS_HERE = await Deno.stat(`${DATA_DIR}/mnist/train-images-idx3-ubyte.gz`)
  .then(() => true, () => false);

type Bytes = Uint8Array<ArrayBuffer>;

/** Two images of 1 x 3 bytes, and their labels. */
const IMAGES = idxOf(8, [2, 1, 3], [0, 51, 255, 255, 102, 0]);
const LABELS = idxOf(8, [2], [1, 4]);

/** Runs a test with a temporary folder of files. */
async function folderOf(files: Record<string, Bytes>): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.mkdir(`${path}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(`${path}/${name}`, bytes);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function assertOneLine(
  attempt: () => Promise<unknown>,
  // deno-lint-ignore no-explicit-any
  kind: new (...args: any[]) => Error,
  ...parts: string[]
): Promise<void> {
  const error = await assertRejects(attempt, kind);
  for (const part of parts) assert(error.message.includes(part), `${part} in: ${error.message}`);
  assert(!error.message.includes("\n"), error.message);
}

Deno.test("parseIdx() reads every element type, big-endian", async () => {
  const cases: [number, number[], string, IdxValues][] = [
    [0x08, [0, 127, 128, 255], "uint8", Uint8Array.of(0, 127, 128, 255)],
    [0x09, [0, 127, 128, 255], "int8", Int8Array.of(0, 127, -128, -1)],
    [0x0B, [1, 2, 0xFF, 0xFE], "int16", Int16Array.of(258, -2)],
    [0x0C, [0, 1, 0, 2, 0xFF, 0xFF, 0xFF, 0xFD], "int32", Int32Array.of(65538, -3)],
    [0x0D, [0x3F, 0xC0, 0, 0, 0xC0, 0x20, 0, 0], "float32", Float32Array.of(1.5, -2.5)],
    [0x0E, [0x3F, 0xF8, 0, 0, 0, 0, 0, 0], "float64", Float64Array.of(1.5)],
  ];
  for (const [code, payload, type, values] of cases) {
    const bytes = idxOf(code, [values.length], payload);
    const expected = { shape: [values.length], type, values };
    assertEquals<unknown>(await parseIdx(bytes), expected);
    assertEquals<unknown>(await parseIdx(await gzip(bytes)), expected);
  }
});

Deno.test("parseIdx() reads data that lie anywhere in a buffer", async () => {
  const bytes = idxOf(0x0D, [1], [0x3F, 0xC0, 0, 0]);
  const within = new Uint8Array(bytes.length + 9);
  within.set(bytes, 5);
  const { values } = await parseIdx(within.subarray(5, 5 + bytes.length));
  assertEquals(values, Float32Array.of(1.5));
});

Deno.test("parseIdx() reads many dimensions and empty ones", async () => {
  const { shape, values } = await parseIdx(idxOf(8, [2, 1, 3, 1, 1], [1, 2, 3, 4, 5, 6]));
  assertEquals([shape, values.length], [[2, 1, 3, 1, 1], 6]);
  assertEquals((await parseIdx(idxOf(8, [0, 28, 28], []))).values.length, 0);
});

Deno.test("parseIdx() refuses data cut off at any byte", async () => {
  const whole = idxOf(0x0B, [2, 3], new Array(12).fill(7));
  for (let length = 0; length < whole.length; length++) {
    await assertOneLine(
      () => parseIdx(whole.slice(0, length), "cut.idx"),
      SyntaxError,
      "Cannot read cut.idx",
      `got ${length}`,
      length < 4 ? "at least 4 bytes" : length < 12 ? "12 bytes" : "24 bytes",
    );
  }
});

Deno.test("parseIdx() reads gzip of several members, and refuses it where it is cut off or too long", async () => {
  const values = Array.from({ length: 40 }, (_, i) => i * 37 & 255);
  const bytes = idxOf(8, [40], values);
  // The header is cut in two, so that the first member does not have the length.
  const pieces = [bytes.slice(0, 3), bytes.slice(3, 20), bytes.slice(20)];
  const members = await Promise.all(pieces.map((piece) => gzip(piece)));
  const whole = Uint8Array.from(members.flatMap((member) => [...member]));
  assertEquals((await parseIdx(whole)).values, Uint8Array.from(values));
  const last = members[2]?.length ?? NaN;
  for (let length = whole.length - last; length < whole.length; length++) {
    await assertOneLine(() => parseIdx(whole.slice(0, length), "cut.gz"), SyntaxError, "cut.gz");
  }
  const long = Uint8Array.from([...whole, ...await gzip(new Uint8Array(100_000))]);
  await assertOneLine(() => parseIdx(long, "long.gz"), SyntaxError, "long.gz");
});

Deno.test("parseIdx() refuses gzip cut off at any byte", async () => {
  const whole = await gzip(idxOf(8, [40], Array.from({ length: 40 }, (_, i) => i * 37 & 255)));
  // The first byte alone does not tell that it was gzip.
  for (let length = 2; length < whole.length; length++) {
    await assertOneLine(() => parseIdx(whole.slice(0, length), "cut.gz"), SyntaxError, "cut.gz");
  }
});

Deno.test("parseIdx() refuses IDX data cut off inside whole gzip", async () => {
  const cut = await gzip(idxOf(8, [10], [1, 2, 3]));
  await assertOneLine(() => parseIdx(cut), SyntaxError, "expected 18 bytes", "got 11");
});

Deno.test("parseIdx() refuses gzip with any byte damaged, or gives the values", async () => {
  const bytes = idxOf(8, [64], Array.from({ length: 64 }, (_, i) => i * 91 & 255));
  const whole = await gzip(bytes);
  let refused = 0;
  for (let at = 2; at < whole.length; at++) {
    const damaged = whole.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x5A;
    try {
      // Time stamp, flags and system in the gzip header do not affect the values.
      assertEquals((await parseIdx(damaged, "damaged.gz")).values, bytes.slice(8));
      assert(at < 10);
    } catch (error) {
      assert(error instanceof SyntaxError && error.message.includes("damaged.gz"), `${error}`);
      refused++;
    }
  }
  assert(refused >= whole.length - 10);
});

Deno.test("parseIdx() refuses bytes after the last value", async () => {
  const long = idxOf(8, [2], [1, 2, 3, 4]);
  await assertOneLine(() => parseIdx(long), SyntaxError, "end after 10 bytes", "2 more");
  const packed = await gzip(long);
  await assertOneLine(() => parseIdx(packed), SyntaxError, "end after 10 bytes");
});

Deno.test("parseIdx() stops unpacking gzip that holds far more than its header says", async () => {
  const bomb = new Uint8Array(200_000_000);
  bomb.set(idxOf(8, [2], []));
  const packed = await gzip(bomb);
  assert(packed.length < 300_000);
  const error = await assertRejects(() => parseIdx(packed), SyntaxError, "end after 10 bytes");
  const more = Number(/at least (\d+) more/.exec(error.message)?.[1]);
  assert(more < 100_000_000, `${more} bytes were unpacked`);
});

Deno.test("parseIdx() refuses absurd dimensions and allocates nothing for them", async () => {
  const huge = 0xFFFFFFFF;
  await assertOneLine(
    () => parseIdx(idxOf(8, [huge, huge, huge], [1])),
    SyntaxError,
    "4294967295 x 4294967295 x 4294967295",
  );
  const claim = idxOf(0x0E, [huge, 1000], [1]);
  await assertOneLine(() => parseIdx(claim), SyntaxError, "expected 34359738360012 bytes");
  const packed = await gzip(claim);
  await assertOneLine(() => parseIdx(packed), SyntaxError, "expected 34359738360012 bytes");
});

Deno.test("parseIdx() refuses what is not IDX and shows how it starts", async () => {
  const text = new TextEncoder().encode("<!DOCTYPE html>");
  await assertOneLine(() => parseIdx(text, "page.gz"), SyntaxError, "page.gz", "got 3c 21 44 4f");
  await assertOneLine(
    () => parseIdx(idxOf(0x0A, [1], [1])),
    SyntaxError,
    "08, 09, 0b, 0c, 0d, 0e, got 0a",
  );
  await assertOneLine(
    () => parseIdx(idxOf(8, [], [])),
    SyntaxError,
    "expected dimensions, got none",
  );
  await assertOneLine(() => parseIdx(new Uint8Array()), SyntaxError, "got 0");
});

Deno.test("readIdxDataset() scales bytes to 0 to 1 and puts channels last", async () => {
  await using folder = await folderOf({ images: IMAGES, "labels.gz": await gzip(LABELS) });
  const data = await readIdxDataset(`${folder.path}/images`, `${folder.path}/labels.gz`);
  assertEquals(data.shape, [1, 3, 1]);
  assertEquals([...data.features], [0, 51 / 255, 1, 1, 102 / 255, 0].map(Math.fround));
  assertEquals([...data.labels], [1, 4]);
  assertEquals(data.numClasses, 5);
});

Deno.test("readIdxDataset() puts the samples where workers read them without a copy", async () => {
  await using folder = await folderOf({ images: IMAGES, labels: LABELS });
  const data = await readIdxDataset(`${folder.path}/images`, `${folder.path}/labels`);
  assertStrictEquals(data.share(), data);
});

Deno.test("readIdxDataset() turns each of the 256 bytes into the nearest float32 of its 255th part", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  await using folder = await folderOf({
    images: idxOf(8, [1, 256], bytes),
    labels: idxOf(8, [1], [0]),
  });
  const { features, shape } = await readIdxDataset(
    `${folder.path}/images`,
    `${folder.path}/labels`,
  );
  assertEquals(features, Float32Array.from(bytes, (byte) => byte / 255));
  assertEquals(shape, [256]);
});

Deno.test("readIdxDataset() takes a scale and a number of classes", async () => {
  await using folder = await folderOf({ images: IMAGES, labels: LABELS });
  const { path } = folder;
  const data = await readIdxDataset(`${path}/images`, `${path}/labels`, {
    scale: 2,
    numClasses: 7,
  });
  assertEquals([...data.features], [0, 102, 510, 510, 204, 0]);
  assertEquals(data.numClasses, 7);
  await assertOneLine(
    () => readIdxDataset(`${path}/images`, `${path}/labels`, { numClasses: 3 }),
    RangeError,
    `${path}/labels: expected labels from 0 to 2, got 4 in row 1`,
  );
  await assertOneLine(
    () => readIdxDataset(`${path}/images`, `${path}/labels`, { scale: NaN }),
    RangeError,
    "got NaN in row 0",
  );
});

Deno.test("readIdxDataset() refuses files that do not fit together, by name", async () => {
  await using folder = await folderOf({
    images: IMAGES,
    labels: LABELS,
    three: idxOf(8, [3], [0, 1, 2]),
    negative: idxOf(9, [2], [0, 255]),
    fraction: idxOf(0x0D, [2], [0, 0, 0, 0, 0x3F, 0xC0, 0, 0]),
    nan: idxOf(0x0D, [2, 1], [0, 0, 0, 0, 0x7F, 0xC0, 0, 0]),
    empty: idxOf(8, [0, 28, 28], []),
    none: idxOf(8, [0], []),
  });
  const read = (images: string, labels: string) => () =>
    readIdxDataset(`${folder.path}/${images}`, `${folder.path}/${labels}`);
  await assertOneLine(read("labels", "labels"), TypeError, "/labels", "as a labels file holds");
  await assertOneLine(read("images", "images"), TypeError, "/images", "got 2 x 1 x 3");
  await assertOneLine(read("images", "three"), RangeError, "/images", "2 samples, got 3", "/three");
  await assertOneLine(read("images", "negative"), RangeError, "/negative", "got -1 in row 1");
  await assertOneLine(read("images", "fraction"), RangeError, "/fraction", "got 1.5 in row 1");
  await assertOneLine(read("nan", "labels"), RangeError, "/nan", "got NaN in row 1");
  await assertOneLine(read("empty", "none"), RangeError, "/empty", "0 x 28 x 28");
});

Deno.test("readIdxDataset() names a file that is missing, a folder, or not IDX", async () => {
  await using folder = await folderOf({
    images: IMAGES,
    labels: LABELS,
    text: new Uint8Array(9).fill(65),
  });
  const { path } = folder;
  await assertOneLine(
    () => readIdxDataset(`${path}/images`, `${path}/gone`),
    Deno.errors.NotFound,
    `Cannot read ${path}/gone: there is no such file`,
  );
  await assertOneLine(() => readIdxDataset(path, `${path}/labels`), Error, `Cannot read ${path}`);
  await assertOneLine(
    () => readIdxDataset(`${path}/text`, `${path}/labels`),
    SyntaxError,
    `${path}/text`,
    "41 41 41 41",
  );
});

Deno.test({
  name: "readIdxDataset() and loadDataset() name the flag that grants a missing permission",
  permissions: { read: false },
  fn: async () => {
    await assertOneLine(
      () => readIdxDataset("some/images", "some/labels"),
      Deno.errors.NotCapable,
      "--allow-read=some/labels",
    );
    for (const spec of ["some/train-images-idx3-ubyte.gz", "some/table.csv", "some"]) {
      await assertOneLine(() => loadDataset(spec), Deno.errors.NotCapable, `--allow-read=${spec}`);
    }
    await assertOneLine(
      () => loadDataset("mnist", { dataDir: "some" }),
      Deno.errors.NotCapable,
      "--allow-read=some",
    );
  },
});

Deno.test("loadDataset() finds the labels of an images file by its name", async () => {
  await using folder = await folderOf({
    "a/train-images-idx3-ubyte": IMAGES,
    "a/train-labels-idx1-ubyte": LABELS,
    "b/part-7-images.idx3-ubyte.gz": await gzip(IMAGES),
    "b/part-7-labels.idx1-ubyte.gz": await gzip(LABELS),
    "c/train-images-idx3-ubyte.gz": await gzip(IMAGES),
    "c/train-labels-idx1-ubyte": LABELS,
    "lonely-images-idx3-ubyte": IMAGES,
    "picture.png": IMAGES,
  });
  const { path } = folder;
  for (
    const spec of [
      `${path}/a/train-images-idx3-ubyte`,
      `${path}/b/part-7-images.idx3-ubyte.gz`,
      `${path}/c/train-images-idx3-ubyte.gz`,
    ]
  ) {
    const { name, train, test } = await loadDataset(spec);
    assertEquals([name, train.length, test], [spec, 2, undefined]);
  }
  await assertOneLine(
    () => loadDataset(`${path}/lonely-images-idx3-ubyte`),
    Deno.errors.NotFound,
    `${path}/lonely-labels-idx1-ubyte or `,
  );
  await assertOneLine(
    () => loadDataset(`${path}/picture.png`),
    TypeError,
    "picture.png",
    "expected a .csv file or an IDX file",
  );
});

Deno.test("loadDataset() takes a folder with one pair, or with training and test data", async () => {
  await using folder = await folderOf({
    "one/x-images-idx3-ubyte": IMAGES,
    "one/x-labels-idx1-ubyte": LABELS,
    "one/x-images-idx3-ubyte.gz": await gzip(IMAGES),
    "two/emnist-train-images-idx3-ubyte": IMAGES,
    "two/emnist-train-labels-idx1-ubyte": LABELS,
    "two/emnist-test-images-idx3-ubyte": idxOf(8, [1, 1, 3], [1, 2, 3]),
    "two/emnist-test-labels-idx1-ubyte": idxOf(8, [1], [0]),
    "latest/latest-images-idx3-ubyte": IMAGES,
    "latest/latest-labels-idx1-ubyte": LABELS,
    "latest/test_images-idx3-ubyte": idxOf(8, [1, 1, 3], [1, 2, 3]),
    "latest/test_labels-idx1-ubyte": idxOf(8, [1], [0]),
    "unlike/train-images-idx3-ubyte": IMAGES,
    "unlike/train-labels-idx1-ubyte": LABELS,
    "unlike/test-images-idx3-ubyte": idxOf(8, [1, 3, 1], [1, 2, 3]),
    "unlike/test-labels-idx1-ubyte": idxOf(8, [1], [0]),
    "many/a-images-idx3-ubyte": IMAGES,
    "many/b-images-idx3-ubyte": IMAGES,
    "none/readme.txt": LABELS,
  });
  const { path } = folder;
  const one = await loadDataset(`${path}/one`);
  assertEquals([one.train.length, one.test], [2, undefined]);
  const two = await loadDataset(`${path}/two/`);
  assertEquals([two.train.length, two.test?.length, two.test?.numClasses], [2, 1, 5]);
  const latest = await loadDataset(`${path}/latest`);
  assertEquals([latest.train.length, latest.test?.length], [2, 1]);
  await assertOneLine(
    () => loadDataset(`${path}/many`),
    RangeError,
    "a-images-idx3-ubyte, b-images-idx3-ubyte",
  );
  await assertOneLine(
    () => loadDataset(`${path}/unlike`),
    RangeError,
    "unlike/test-images-idx3-ubyte: expected images of shape [1,3,1] as in ",
    "unlike/train-images-idx3-ubyte, got [3,1,1]",
  );
  await assertOneLine(() => loadDataset(`${path}/none`), Deno.errors.NotFound, `${path}/none`);
});

Deno.test("loadDataset() says what names and endings it knows", async () => {
  await assertOneLine(
    () => loadDataset("minst"),
    Deno.errors.NotFound,
    "Cannot find the data set minst: expected digits, mnist, fashion-mnist",
  );
});

Deno.test({
  name: `loadDataset() reads MNIST (needs its files in ${DATA_DIR}/mnist, see FEDLAB_DATA)`,
  ignore: !MNIST_IS_HERE,
  fn: async () => {
    const { train, test } = await loadDataset("mnist", { dataDir: DATA_DIR });
    assert(test);
    assertEquals([train.length, test.length], [60_000, 10_000]);
    assertEquals([train.shape, train.numClasses], [[28, 28, 1], 10]);
    assertEquals([...train.labels.subarray(0, 5)], [5, 0, 4, 1, 9]);
    assertEquals([...test.labels.subarray(0, 5)], [7, 2, 1, 0, 4]);
    const { mean, deviation } = arrayMoments(train);
    // Mean and deviation of MNIST's training pixels, as commonly quoted.
    assertAlmostEquals(mean[0] ?? 0, 0.1307, 5e-5);
    assertAlmostEquals(deviation[0] ?? 0, 0.3081, 5e-5);
  },
});
