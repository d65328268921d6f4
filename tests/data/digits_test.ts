import { assert, assertEquals, assertNotEquals } from "jsr:@std/assert@1.0.19";
import { DIGITS_IMAGES_BASE64, DIGITS_LABELS_BASE64 } from "../../src/generated/digits_data.ts";
import { digits } from "../../src/data/digits.ts";
import { loadDataset } from "../../src/data/catalog/load.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const DATA_DIR = Deno.env.get("FEDLAB_DATA") ?? `${import.meta.dirname}/../../../shared/data`;
const SOURCE_IS_HERE = await Deno.stat(`${DATA_DIR}/digits`).then(() => true, () => false);

Deno.test("digits() gives the 1,797 digits with their known class counts", async () => {
  const data = await digits();
  assertEquals([data.length, data.shape, data.numClasses], [1797, [8, 8, 1], 10]);
  const counts = new Array<number>(10).fill(0);
  for (const label of data.labels) counts[label] = (counts[label] ?? NaN) + 1;
  assertEquals(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
});

Deno.test("digits() begins with the known picture of a zero", async () => {
  const { features, labels } = await digits();
  assertEquals([...labels.subarray(0, 10)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const rows = [
    [0, 0, 5, 13, 9, 1, 0, 0],
    [0, 0, 13, 15, 10, 15, 5, 0],
    [0, 3, 15, 2, 0, 11, 8, 0],
    [0, 4, 12, 0, 0, 8, 8, 0],
    [0, 5, 8, 0, 0, 9, 8, 0],
    [0, 4, 11, 0, 1, 12, 7, 0],
    [0, 2, 14, 5, 10, 12, 0, 0],
    [0, 0, 6, 13, 10, 0, 0, 0],
  ];
  assertEquals([...features.subarray(0, 64)], rows.flat().map((pixel) => pixel / 16));
});

Deno.test("digits() has features from 0 to 1, both met", async () => {
  const { features } = await digits();
  let least = Infinity, greatest = -Infinity;
  for (const value of features) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  assertEquals([least, greatest], [0, 1]);
});

Deno.test("digits() gives each caller arrays of its own", async () => {
  const first = await digits();
  first.features.fill(-1);
  assertNotEquals((await digits()).features[2], -1);
});

Deno.test({
  name: "digits() needs no permission",
  permissions: "none",
  fn: async () => assertEquals((await digits()).length, 1797),
});

Deno.test({
  name: `digits() holds the bytes of its source (needs ${DATA_DIR}/digits, see FEDLAB_DATA)`,
  ignore: !SOURCE_IS_HERE,
  fn: async () => {
    const source = async (name: string) => {
      const packed = new Blob([await Deno.readFile(`${DATA_DIR}/digits/digits-${name}-ubyte.gz`)]);
      const unpacked = packed.stream().pipeThrough(new DecompressionStream("gzip"));
      return await new Response(unpacked).bytes();
    };
    assert(
      Uint8Array.fromBase64(DIGITS_IMAGES_BASE64).toHex() === (await source("images-idx3")).toHex(),
    );
    assert(
      Uint8Array.fromBase64(DIGITS_LABELS_BASE64).toHex() === (await source("labels-idx1")).toHex(),
    );
    const { train } = await loadDataset(`${DATA_DIR}/digits`);
    assertEquals(train.labels, (await digits()).labels);
  },
});

Deno.test("loadDataset() splits the digits in the same 1,500 and 297 rows each time", async () => {
  const once = await loadDataset("digits");
  const again = await loadDataset("digits", { dataDir: "elsewhere" });
  assertEquals([once.name, once.train.length, once.test?.length], ["digits", 1500, 297]);
  assertEquals(once.train.labels, again.train.labels);
  assert(once.test && again.test);
  assertEquals(once.test.labels, again.test.labels);
  // Servers and clients of different versions must agree on this split: it must never change.
  assertEquals([...once.test.labels.subarray(0, 12)], [0, 3, 9, 4, 4, 1, 6, 9, 9, 5, 3, 0]);
});
