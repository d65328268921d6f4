import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { readTable } from "../../../src/data/formats/read_table.ts";
import { read, valuesOf } from "../../helpers/read_table.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const FIXTURES = new URL("../../fixtures/tables/", import.meta.url).pathname;

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(packed).bytes();
}

Deno.test("readTable() unpacks gzip of several members, and refuses a damaged file", async () => {
  const parts = [await gzip("a,y\n1,2\n"), await gzip("3,x\n")];
  const packed = await new Blob(parts).bytes();
  assertEquals(valuesOf(await read(packed, {}, "csv.gz")), { a: [1, 3], y: ["2", "x"] });
  await assertRejects(
    () => read(packed.slice(0, -4), {}, "csv.gz"),
    SyntaxError,
    "its gzip data are damaged or incomplete",
  );
});

Deno.test("readTable() reads Parquet as pyarrow writes it", async () => {
  for (const codec of ["snappy", "zstd", "brotli"]) {
    const table = await readTable(`${FIXTURES}mixed-${codec}.parquet`);
    assertEquals(valuesOf(table), {
      age: [63.5, null, 41.25, 7],
      beds: [1, 2, null, 2 ** 53],
      small: [-1, 2, 3, 4],
      ward: ["a", "b", null, "a"],
      ill: ["true", "false", "true", null],
      price: [null, 1.5, 2.25, 3],
      born: ["2000-01-02", null, "1999-12-31", "1970-01-01"],
    });
    assertEquals(table.notes, [
      'row 1, "scans": expected a number or a text, got an array: the column is left out',
    ]);
  }
  const path = `${FIXTURES}mixed-snappy.parquet`;
  const ids = await readTable(path, { columns: ["beds"], textColumns: ["beds"] });
  assertEquals(valuesOf(ids), { beds: ["1", "2", null, "9007199254740993"] });
  await assertRejects(() => readTable(path, { columns: ["scans"] }), SyntaxError, 'row 1, "scans"');
  const pandas = await readTable(`${FIXTURES}pandas.parquet`);
  assertEquals(valuesOf(pandas), { a: [1.5, 2.5], y: ["u", "v"] });
  assertEquals(pandas.notes.length, 1);
});

Deno.test("readTable() refuses a damaged Parquet file in one line", async () => {
  const bytes = await Deno.readFile(`${FIXTURES}mixed-snappy.parquet`);
  for (const end of [0, 3, 100, bytes.length - 1]) {
    const error = await assertRejects(
      () => read(bytes.slice(0, end), {}, "parquet"),
      SyntaxError,
      "t.parquet: it is no Parquet file, or damaged: ",
    );
    assertEquals(error.message.includes("\n"), false);
  }
});

Deno.test("readTable() reads ARFF", async () => {
  const text = `% Iris
@RELATION iris
@attribute 'sepal length' NUMERIC
@attribute petal real % a comment
@attribute grade {1, 2}
@attribute class {Iris-setosa,'Iris, versicolor'}
@DATA
5.1,1.4,1,Iris-setosa
% another comment
?,4.7, 2,'Iris, versicolor'
`;
  const table = await read(text, {}, "arff");
  assertEquals(valuesOf(table), {
    "sepal length": [5.1, null],
    petal: [1.4, 4.7],
    grade: ["1", "2"],
    class: ["Iris-setosa", "Iris, versicolor"],
  });
  assertEquals([0, 1].map(table.place), ["line 8", "line 10"]);
  const faults = [
    ["@relation x\n@attribute a numeric\n", "expected a line @data, got none"],
    ["@attribute a numeric\n@data\n{0 1}\n", "its rows are sparse"],
    ["@attribute a blob\n@data\n1\n", "line 1: expected the type numeric, string, date or"],
    ["a,b\n", "line 1: expected @relation, @attribute or @data"],
    ["@attribute a numeric\n@attribute b numeric\n@data\n1\n", "line 4: expected 2 fields"],
  ] as const;
  for (const [text, says] of faults) {
    await assertRejects(() => read(text, {}, "arff"), SyntaxError, says);
  }
});

Deno.test("readTable() reads libsvm's format with as many columns as are said", async () => {
  const text = "+1 1:0.5 3:-2 # first\n\n-1 qid:3 2:1e2\n";
  const table = await read(text, {}, "libsvm");
  assertEquals(valuesOf(table), { 1: [0.5, 0], 2: [0, 100], 3: [-2, 0], label: [1, -1] });
  assertEquals([0, 1].map(table.place), ["line 1", "line 3"]);
  assertEquals((await read(text, { sparseColumns: 5 }, "svmlight")).columns.length, 6);
  assertEquals(Object.keys(valuesOf(await read("1 0:1 1:2\n", {}, "svm"))), ["0", "1", "label"]);
  const faults = [
    ["1 2:1 1:2\n", 'line 1: expected an index above 2, got "1:2"'],
    ["1 x:1\n", "line 1: expected index:value"],
    ["1 1:one\n", "line 1: expected index:value"],
    ["1:1\n", "line 1: expected a label before the values"],
    ["", "it is empty"],
  ] as const;
  for (const [text, says] of faults) {
    await assertRejects(() => read(text, {}, "libsvm"), SyntaxError, says);
  }
  await assertRejects(
    () => read(text, { sparseColumns: 2 }, "libsvm"),
    RangeError,
    "expected indices from 1 to 2, got 3",
  );
});

Deno.test("readTable() reads the forms of JSON that pandas and LEAF write", async () => {
  const expected = { a: [1, 2], y: ["u", "v"] };
  for (
    const value of [
      [{ a: 1, y: "u" }, { y: "v", a: 2 }],
      { a: [1, 2], y: ["u", "v"] },
      { a: { 7: 1, 9: 2 }, y: { 7: "u", 9: "v" } },
      { columns: ["a", "y"], index: [0, 1], data: [[1, "u"], [2, "v"]] },
    ]
  ) {
    assertEquals(valuesOf(await read(JSON.stringify(value), {}, "json")), expected);
  }
  const leaf = {
    users: ["ann", "bob"],
    num_samples: [1, 1],
    user_data: { ann: { x: [[1, 2]], y: [0] }, bob: { x: [[3, 4]], y: [1] } },
  };
  assertEquals(valuesOf(await read(JSON.stringify(leaf), {}, "json")), {
    user: ["ann", "bob"],
    x0: [1, 3],
    x1: [2, 4],
    y: [0, 1],
  });
});

Deno.test("readTable() stumbles over nothing in JSON columns that nobody chose", async () => {
  const rows = [{ a: 1, note: null, y: 0 }, { a: 2, note: { x: 1 }, y: 1 }, { a: null, y: 1 }];
  const lines = rows.map((row) => JSON.stringify(row)).join("\n");
  for (const [text, extension] of [[JSON.stringify(rows), "json"], [lines, "jsonl"]] as const) {
    const table = await read(text, {}, extension);
    assertEquals(valuesOf(table), { a: [1, 2, null], y: [0, 1, 1] });
    assertEquals(table.notes.length, 1);
    await assertRejects(
      () => read(text, { columns: ["a", "note"] }, extension),
      SyntaxError,
      '2, "note": expected a number or a text, got an object',
    );
  }
});
