import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  parseCsvDataset,
  parseJsonDataset,
  parseJsonLinesDataset,
  type ParseTableOptions,
  type TableDataset,
} from "../../src/data/catalog/table_dataset.ts";
import { loadDataset } from "../../src/data/catalog/load.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function plain({ dataset, classes, columns }: TableDataset) {
  return {
    features: [...dataset.features],
    labels: [...dataset.labels],
    shape: dataset.shape,
    classes,
    columns,
  };
}

const CSV = "length,kind,width\n1.5,setosa,-0.25\n4,iris,3e2\n2,setosa,0.1\n";
const OBJECTS = [
  { length: 1.5, kind: "setosa", width: -0.25 },
  { kind: "iris", width: 3e2, length: 4 },
  { length: 2, kind: "setosa", width: "0.1" },
];
const COLUMNS = {
  length: [1.5, 4, 2],
  kind: ["setosa", "iris", "setosa"],
  width: [-0.25, 300, 0.1],
};

Deno.test("one table is the same in every format, with every option", () => {
  const lines = OBJECTS.map((row) => JSON.stringify(row)).join("\r\n\r\n");
  const cases: ParseTableOptions[] = [
    { labelColumn: "kind" },
    { labelColumn: 1, scale: 0.5 },
    { labelColumn: "kind", classes: ["virginica", "setosa", "iris"] },
    { labelColumn: "kind", featureColumns: ["width", "length"] },
    { labelColumn: "kind", featureColumns: [2], numClasses: 2 },
  ];
  for (const options of cases) {
    const expected = plain(parseCsvDataset(CSV, options));
    assertEquals(plain(parseJsonDataset(JSON.stringify(OBJECTS), options)), expected);
    assertEquals(plain(parseJsonDataset(JSON.stringify(COLUMNS), options)), expected);
    assertEquals(plain(parseJsonLinesDataset(`\uFEFF${lines}`, options)), expected);
  }
  assertEquals(
    plain(parseCsvDataset(CSV, { labelColumn: "kind", featureColumns: ["width", 0] })),
    {
      features: [-0.25, 1.5, 300, 4, 0.1, 2].map(Math.fround),
      labels: [1, 0, 1],
      shape: [2],
      classes: ["iris", "setosa"],
      columns: ["width", "length"],
    },
  );
});

Deno.test("parseJsonDataset() takes numbers and truths for labels", () => {
  assertEquals(plain(parseJsonDataset('[{"x": 1, "y": 2}, {"x": 2, "y": 0}]')).labels, [2, 0]);
  const truths = parseJsonDataset('{"x": [1, 2, 3], "y": [true, false, true]}');
  assertEquals([truths.classes, [...truths.dataset.labels]], [["false", "true"], [1, 0, 1]]);
});

Deno.test("tables name the row, the column and the cause of what they cannot read", () => {
  const cases: [
    (text: string, options?: ParseTableOptions) => unknown,
    string,
    ParseTableOptions,
    string,
  ][] = [
    [
      parseJsonDataset,
      '[{"a": 1, "b": 0}, {"a": "x", "b": 0}]',
      {},
      'JSON text: row 2, column a: expected a number as other rows have, got "x"',
    ],
    [
      parseJsonDataset,
      '[{"a": 1, "b": 0}, {"a": 1}]',
      {},
      "row 2, column b: expected a class, got a missing value",
    ],
    [
      parseJsonDataset,
      '[{"a": null, "b": 0}]',
      {},
      "expected values in column a, got none",
    ],
    [parseJsonDataset, '[{"a": 1e999, "b": 0}]', {}, "finite numbers in column a, got Infinity"],
    [parseJsonDataset, "[[1, 2]]", {}, "row 1: expected an object, got an array"],
    [parseJsonDataset, "[]", {}, "it is empty"],
    [
      parseJsonDataset,
      "7",
      {},
      "expected an array of objects or an object of columns, got a number",
    ],
    [parseJsonDataset, "[{", { name: "t.json" }, "Cannot read t.json: "],
    [
      parseJsonDataset,
      '{"a": [1, 2], "b": [0]}',
      {},
      'column "b": expected 2 values as in the first, got 1',
    ],
    [parseJsonDataset, '{"a": 1, "b": [0]}', {}, 'column "a": expected an array, got a number'],
    [parseJsonDataset, '{"a": [], "b": []}', {}, "it is empty"],
    [parseJsonLinesDataset, '{"a": 1, "b": 0}\n\n{"a": 1 "b": 0}', {}, "JSON lines: line 3: "],
    [
      parseJsonLinesDataset,
      '{"a": 1, "b": 0}\n\n{"a": "?", "b": 0}',
      {},
      "line 3, column a: expected a number, got a missing value",
    ],
    [
      parseJsonDataset,
      '[{"a": 1, "b": 0}]',
      { labelColumn: "c" },
      'expected a target column named "c", got a, b',
    ],
    [
      parseJsonDataset,
      '[{"a": 1, "b": 0}]',
      { featureColumns: ["b"] },
      "expected one use of the column b, got several",
    ],
    [
      parseJsonDataset,
      '[{"a": 1, "b": 0}]',
      { featureColumns: [] },
      "expected input columns besides the target, got none",
    ],
    [
      parseCsvDataset,
      "1,2,0",
      { featureColumns: [3] },
      "expected an input column from 0 to 2, got 3",
    ],
  ];
  for (const [parse, text, options, message] of cases) {
    assertThrows(() => parse(text, options), Error, message);
  }
});

Deno.test("loadDataset() gives the ids of the rows to learn from, of one table and of two", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/train.jsonl`,
      '{"w":"ann","a":1,"y":0}\n{"w":7,"a":2,"y":1}\n',
    );
    await Deno.writeTextFile(`${folder}/test.jsonl`, '{"w":"bob","a":1,"y":1}\n');
    const table = { idColumn: "w" };
    for (const path of [folder, `${folder}/train.jsonl`]) {
      const { train, test, ids } = await loadDataset(path, { table });
      assertEquals([train.shape, test?.shape ?? [1], ids], [[1], [1], ["ann", "7"]]);
    }
    assertEquals("ids" in await loadDataset("digits"), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("loadDataset() reads a folder of a training and a test table as one data set", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await write("train.csv", "x,y\n1,cat\n2,dog\n3,owl\n");
    await write("test.jsonl", '{"x": 5, "y": "owl"}\n{"x": 6, "y": "dog"}\n');
    const { train, test, classes } = await loadDataset(folder);
    assertEquals(classes, ["cat", "dog", "owl"]);
    assertEquals([[...train.labels], [...test?.labels ?? []]], [[0, 1, 2], [2, 1]]);
    assertEquals(test?.numClasses, 3);

    await write("test.jsonl", '{"x": 5, "y": "fox"}\n{"x": 6, "y": "dog"}\n');
    await assertRejects(
      () => loadDataset(folder),
      RangeError,
      `Cannot use ${folder}/test.jsonl: expected the classes cat, dog, owl; got fox (line 1)`,
    );
    const named = await loadDataset(folder, {
      table: { classes: ["owl", "fox", "dog", "cat"] },
    });
    assertEquals([[...named.train.labels], [...named.test?.labels ?? []]], [[3, 2, 0], [1, 2]]);

    await write("test.jsonl", '{"z": 5, "y": "dog"}\n');
    await assertRejects(
      () => loadDataset(folder),
      RangeError,
      `Cannot use ${folder}/test.jsonl: expected the column x, got z`,
    );
    await write("test.jsonl", '{"x": 5, "y": 0}\n');
    await assertRejects(
      () => loadDataset(folder),
      RangeError,
      "expected the classes cat, dog, owl; got 0",
    );

    await write("train.csv", "1,0\n2,1\n3,2\n");
    await write("test.jsonl", '{"x": 5, "y": 1}\n');
    await assertRejects(
      () => loadDataset(folder),
      RangeError,
      `Cannot use ${folder}/test.jsonl: expected columns without names, got the column x`,
    );
    await write("test.tsv", "5\t1\n");
    await Deno.remove(`${folder}/test.jsonl`);
    const counted = await loadDataset(folder);
    assertEquals([counted.train.numClasses, counted.test?.numClasses], [3, 3]);
    await Deno.remove(`${folder}/test.tsv`);
    await write("test.jsonl", '{"x": 5, "y": 1}\n');

    await write("test.csv", "1,0\n");
    await assertRejects(
      () => loadDataset(folder),
      RangeError,
      "got test.csv, test.jsonl, train.csv",
    );
    await Deno.remove(`${folder}/test.csv`);
    await Deno.remove(`${folder}/train.csv`);
    await assertRejects(() => loadDataset(folder), Deno.errors.NotFound, "got test.jsonl alone");
  }));
