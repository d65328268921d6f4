import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { loadDataset, readIdxDataset, readTableDataset } from "../../mod.ts";
import {
  parseCsvDataset,
  parseIdx,
  parseJsonDataset,
  parseJsonLinesDataset,
} from "../../src/data/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { gzip, idx } from "../helpers/idx.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Makers of paths that lead to no file, by their names in messages. */
const NO_FILES: Readonly<Record<string, (path: string) => Promise<Disposable | void>>> = {
  "a pipe": async (path) => {
    const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
    assertEquals(success, true);
  },
  "a device": (path) => Deno.symlink("/dev/zero", path),
  "a socket": (path) => Promise.resolve(Deno.listen({ transport: "unix", path })),
};

for (const [what, make] of Object.entries(NO_FILES)) {
  Deno.test({
    name: `data sets are not read from ${what}`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      inFolder(async (folder) => {
        const paths = ["own.csv", "own.jsonl", "own.json", "train-images-idx3-ubyte"];
        using made = new DisposableStack();
        for (const name of paths) made.use(await make(`${folder}/${name}`) ?? undefined);
        await Deno.writeFile(`${folder}/train-labels-idx1-ubyte`, idx([1], [0]));
        for (const name of paths) {
          const path = `${folder}/${name}`;
          await assertRejects(
            () => loadDataset(path),
            TypeError,
            `Cannot read ${path}: expected a file, got ${what}`,
          );
        }
        const [images, labels] = ["t10k-labels-idx1-ubyte", paths[3]];
        await Deno.writeFile(`${folder}/${images}`, idx([1, 1], [0]));
        await assertRejects(
          () => readIdxDataset(`${folder}/${images}`, `${folder}/${labels}`),
          TypeError,
          `expected a file, got ${what}`,
        );
      }),
  });
}

Deno.test("data sets are read through links to files", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/there.csv`, "1,2,0\n");
    await Deno.symlink(`${folder}/there.csv`, `${folder}/here.csv`);
    assertEquals((await readTableDataset(`${folder}/here.csv`)).dataset.length, 1);
  }));

Deno.test("parseIdx() refuses gzip of more values than maxValues by its header, which agrees", async () => {
  const packed = await gzip(idx([3000, 1000]), new Uint8Array(3_000_000));
  assertEquals((await parseIdx(packed, "x", { maxValues: 3_000_000 })).values.length, 3_000_000);
  // Nothing after the header is read.
  const cut = packed.slice(0, -8);
  for (const bytes of [packed, cut]) {
    await assertRejects(
      () => parseIdx(bytes, "big.gz", { maxValues: 2_999_999 }),
      RangeError,
      "Cannot read big.gz: expected at most 2999999 values, got 3000 x 1000 (option maxValues)",
    );
  }
});

Deno.test("readIdxDataset() looks at the header before it reads a file of any size", () =>
  inFolder(async (folder) => {
    const labels = `${folder}/labels`, images = `${folder}/images`;
    await Deno.writeFile(labels, idx([1], [0]));
    const cases = [
      [[2 ** 20, 2 ** 13], 12 + 2 ** 33, RangeError, "expected at most 1073741824 values"],
      [[1, 2], 2 ** 34, SyntaxError, "expected it to end after 14 bytes"],
      [[2 ** 20, 2 ** 13], 2 ** 32, SyntaxError, "it is cut off"],
    ] as const;
    for (const [shape, bytes, type, says] of cases) {
      await Deno.writeFile(images, idx([...shape]));
      // The file is sparse.
      await Deno.truncate(images, bytes);
      await assertRejects(() => readIdxDataset(images, labels), type, says);
    }
  }));

Deno.test("tables of more classes than there may be are refused", () => {
  const names = (count: number) =>
    Array.from({ length: count }, (_, i) => `1,2,ward-${i}\n`).join("");
  const says = "expected at most 65536 classes, got 65537";
  assertThrows(() => parseCsvDataset(names(65_537)), RangeError, says);
  const rows = names(65_537).trim().split("\n").map((row) =>
    JSON.stringify({ a: 1, b: row.slice(4) })
  );
  assertThrows(() => parseJsonLinesDataset(rows.join("\n")), RangeError, says);
  const numbers = Array.from({ length: 65_537 }, (_, i) => `1,${i}\n`).join("");
  assertThrows(() => parseCsvDataset(numbers), RangeError, says);
  assertEquals(parseCsvDataset(names(65_536)).classes.length, 65_536);
});

Deno.test("tables with a line that is too long name the limit", () => {
  const most = 2 ** 24;
  const rows: Readonly<Record<string, [row: string, says: string]>> = {
    "many fields": ["1,".repeat(most / 2 + 1), "line 2: expected at most 16777216 characters"],
    "many empty fields": [",".repeat(most + 1), "line 2: expected at most 16777216 characters"],
    "one field": [`${"1".repeat(most + 1)},2`, "line 2: expected at most 16777216 characters"],
    "a quoted field": [
      `"${"\n".repeat(most + 1)}",2`,
      "expected at most 16777216 characters in the row after line 1, got more",
    ],
  };
  for (const [what, [row, says]] of Object.entries(rows)) {
    for (const end of what === "one field" ? ["\n", "\r", "\r\n"] : ["\n"]) {
      assertThrows(
        () => parseCsvDataset(`a,b${end}${row}${end}`, { header: true }),
        SyntaxError,
        `Cannot read CSV text: ${says}`,
        what,
      );
    }
  }
  assertThrows(
    () => parseJsonLinesDataset(`{"a":1,"b":2}\n{"a":${"1".repeat(most)},"b":2}`),
    SyntaxError,
    "Cannot read JSON lines: line 2: expected at most 16777216 characters, got 16777228",
  );
  assertThrows(
    () => parseJsonDataset(`[${" ".repeat(2 ** 26)}]`),
    SyntaxError,
    "Cannot read JSON text: expected at most 67108864 characters, got 67108866",
  );
});

Deno.test("readTableDataset() refuses a long line and NUL bytes before the end of a file", () =>
  inFolder(async (folder) => {
    for (const [name, start] of [["a.csv", "a,b\n1,"], ["a.jsonl", '{"a":1,"b":1}\r{']] as const) {
      await Deno.writeTextFile(`${folder}/${name}`, start);
      await Deno.truncate(`${folder}/${name}`, 2 ** 26);
      await Deno.writeFile(`${folder}/${name}`, Uint8Array.of(0xFF), { append: true });
      await assertRejects(
        () => readTableDataset(`${folder}/${name}`),
        SyntaxError,
        `Cannot read ${folder}/${name}: line 2: expected ${
          name === "a.csv" ? "text, got a NUL byte" : "at most 16777216 characters, got more"
        }`,
      );
    }
  }));

Deno.test("readTableDataset() refuses a JSON file by its size, and names the way out", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/big.json`, "[");
    await Deno.truncate(`${folder}/big.json`, 2 ** 29);
    await assertRejects(
      () => readTableDataset(`${folder}/big.json`),
      RangeError,
      `big.json: expected at most 67108864 bytes, got 536870912, write it as JSON lines (.jsonl)`,
    );
  }));

Deno.test("parseJsonLinesDataset() passes over blank lines and knows every line end", () => {
  const text = `${"\n".repeat(100_000)}{"a":1,"b":0}\r\n\r\n{"a":2,"b":1}\r{"a":3,"b":x}`;
  assertThrows(() => parseJsonLinesDataset(text), SyntaxError, "line 100004: ");
  assertEquals(parseJsonLinesDataset(text.slice(0, -14)).dataset.length, 2);
});

Deno.test("tables of many columns are read in time that grows with their number", () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `column-${i}`);
  const row = Object.fromEntries(keys.map((key, i) => [key, i % 7]));
  const text = `${JSON.stringify(row)}\n`.repeat(20);
  const { dataset } = parseJsonLinesDataset(text);
  assertEquals([dataset.length, dataset.rowLength], [20, 19_999]);
});
