import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { parseCsvDataset, type ParseTableOptions } from "../../src/data/catalog/table_dataset.ts";
import { readTableDataset } from "../../src/data/catalog/read_table_dataset.ts";
import { loadDataset } from "../../src/data/catalog/load.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Parses a table, and gives its content in plain arrays. */
function read(text: string, options: ParseTableOptions = {}) {
  const { dataset, classes, columns } = parseCsvDataset(text, options);
  return {
    features: [...dataset.features],
    labels: [...dataset.labels],
    shape: dataset.shape,
    classes,
    columns,
  };
}

const ERRORS = { SyntaxError, RangeError, TypeError };

Deno.test("parseCsvDataset() takes the last column for labels and finds a header", () => {
  assertEquals(read("width,height,kind\n1,2.5,0\n-3e2,.5,2\n"), {
    features: [1, 2.5, -300, .5],
    labels: [0, 2],
    shape: [2],
    classes: ["0", "1", "2"],
    columns: ["width", "height"],
  });
});

Deno.test("parseCsvDataset() takes a first row of numbers for a row", () => {
  const { labels, columns } = read("1,2,0\n3,4,1");
  assertEquals([labels, columns], [[0, 1], undefined]);
  assertEquals(read("1,2,cat\n3,4,dog").labels, [0, 1]);
});

Deno.test("parseCsvDataset() finds a header whose columns are named by numbers", () => {
  const { labels, columns } = read("0,1,label\n5,6,3\n7,8,0");
  assertEquals([labels, columns], [[3, 0], ["0", "1"]]);
  assertEquals(read("2019,2020,kind\n5,6,3\n7,8,0").columns, ["2019", "2020"]);
  // A first row of data with an odd label must not be taken for a header.
  assertThrows(() => read("5,1,none\n5,6,3"), SyntaxError, "line 1 (5, 1, none), column 3: expect");
  assertEquals(read("0,1,-1\n5,6,1").labels, [0, 1]);
});

Deno.test("parseCsvDataset() loses no first row that may be one of data", () => {
  const cases = [
    ["?,1\n1,0\n3,1\n", "line 1, column 1: expected a number, got a missing value"],
    [",1\n1,0\n3,1\n", "line 1, column 1: expected a number, got a missing value"],
    ["O.5,1\n0.4,0\n", "line 1 (O.5, 1), column 1: expected a number as below or names in all"],
    ["NaN,NaN,1\n1,2,0\n", "line 1, column 1: expected a number, got a missing value"],
    ["NA,NA\n1,0\n", "line 1 (NA, NA) may be a header or a row, say which it is"],
    ["a,b\na,c\n", "line 1 (a, b) may be a header or a row, say which it is"],
    ["0,1\n1,0\n", "line 1 (0, 1) may be a header or a row, say which it is"],
  ] as const;
  for (const [text, message] of cases) assertThrows(() => read(text), SyntaxError, message);
  assertEquals(read("?,y\n1,0\n3,1\n", { header: true }).columns, ["?"]);
});

Deno.test("parseCsvDataset() keeps whole numbers below 0 in their order", () => {
  assertEquals(read("5,10\n5,-1\n5,2\n").classes, ["-1", "2", "10"]);
});

Deno.test("parseCsvDataset() reads one wrong label among whole numbers only where classes name it", () => {
  const rows = Array.from({ length: 12 }, (_, i) => `${i},${i}`).join("\n");
  for (const wrong of ["NaN", "nan", "NA", "?"]) {
    const text = `x,y\n${rows}\n12,${wrong}\n`;
    assertThrows(
      () => read(text),
      SyntaxError,
      "line 14, column y: expected a class, got a missing",
    );
  }
  const text = `x,y\n${rows}\n12,1l\n`;
  assertThrows(() => read(text), RangeError, 'got "1l", name the classes');
  const classes = [...Array.from({ length: 12 }, (_, i) => `${i}`), "1l"];
  assertEquals(read(text, { classes }).labels, Array.from({ length: 13 }, (_, i) => i));
  assertThrows(
    () => read("1,cat\n2,dog\n3,7\n4,cat\n"),
    RangeError,
    'expected a name as other labels are, got "7"',
  );
});

Deno.test("parseCsvDataset() keeps a column of ids apart from features and label", () => {
  const text = "writer,a,kind,b\nann,1,0,2\nbob,3,1,4\nann,5,0,6\n";
  for (const [labelColumn, idColumn] of [["kind", "writer"], [2, 0], ["kind", 0]] as const) {
    const { dataset, columns, ids } = parseCsvDataset(text, { labelColumn, idColumn });
    assertEquals([...dataset.features], [1, 2, 3, 4, 5, 6]);
    assertEquals([dataset.shape, columns, ids], [[2], ["a", "b"], ["ann", "bob", "ann"]]);
  }
  assertEquals(parseCsvDataset("7,1,0\n8,2,1\n", { idColumn: 0 }).ids, ["7", "8"]);
  assertEquals(parseCsvDataset("0,1,2,kind\n9,1,2,0\n", { idColumn: 0 }).ids, ["9"]);
  assertEquals(parseCsvDataset("7,1,0\n").ids, undefined);
});

Deno.test("parseCsvDataset() obeys what is said of the header", () => {
  assertEquals(read("5,6,7\n1,2,0", { header: true }).features, [1, 2]);
  assertEquals(read("0,1,label\n5,6,kind", { header: false }).features, [0, 1, 5, 6]);
  assertThrows(() => read(",1\n1,0\n1,1\n", { header: true }), SyntaxError, "expected a name for");
});

Deno.test("parseCsvDataset() takes labels from the named or numbered column", () => {
  const text = "kind,a,b\n1,2,3\n0,5,6\n";
  for (const labelColumn of ["kind", 0]) {
    const { features, labels, columns } = read(text, { labelColumn });
    assertEquals([features, labels, columns], [[2, 3, 5, 6], [1, 0], ["a", "b"]]);
  }
  assertEquals(read("a,kind,b\n2,1,3\n", { labelColumn: "kind" }).features, [2, 3]);
});

Deno.test("parseCsvDataset() numbers class names in sorted order", () => {
  const { labels, classes } = read("1,setosa\n2,virginica\n3,setosa\n4,iris");
  assertEquals([labels, classes], [[1, 2, 1, 0], ["iris", "setosa", "virginica"]]);
});

Deno.test("parseCsvDataset() numbers class names by a given list, so that clients agree", () => {
  const classes = ["virginica", "setosa", "iris"];
  const given = read("1,setosa\n2,virginica", { classes });
  assertEquals([given.labels, given.classes], [[1, 0], classes]);
  assertEquals(read("1,7\n2,5", { classes: ["5", "6", "7"] }).labels, [2, 0]);
});

Deno.test("parseCsvDataset() takes a number of classes and a scale", () => {
  assertEquals(read("1,0\n2,1", { numClasses: 4 }).classes.length, 4);
  assertEquals(read("128,0\n64,1.0", { scale: 1 / 256 }).features, [0.5, 0.25]);
});

Deno.test("parseCsvDataset() understands byte order marks, line ends, blank lines, spaces and quotes", () => {
  const expected = { features: [1, 2, 3, 4], labels: [0, 1] };
  for (
    const text of [
      "\uFEFFa,b,y\n1,2,0\n3,4,1\n",
      "a,b,y\r\n1,2,0\r\n3,4,1",
      "a,b,y\r1,2,0\r3,4,1\r",
      "\n\na,b,y\n\n1,2,0\n   \n3,4,1\n\n",
      "a , b, y\n 1,\t2 ,0 \n3, 4,1",
      '"a","b","y"\n"1","2","0"\n"3","4","1"\n',
    ]
  ) {
    const { features, labels, columns } = read(text);
    assertEquals({ features, labels }, expected);
    assertEquals(columns, ["a", "b"]);
  }
  assertEquals(read('1,"a ""b"", c"\n2,x').classes, ['a "b", c', "x"]);
});

Deno.test("parseCsvDataset() takes another delimiter", () => {
  assertEquals(read("1;2;0\n3;4;1", { delimiter: ";" }).features, [1, 2, 3, 4]);
  assertEquals(read("1\t2\t0", { delimiter: "\t" }).features, [1, 2]);
});

Deno.test("parseCsvDataset() reads a table of many rows", () => {
  const rows = 20_000;
  const text = Array.from({ length: rows }, (_, i) => `${i},${i / 4},${i % 7}`).join("\n");
  const { dataset } = parseCsvDataset(text);
  assertEquals([dataset.length, dataset.numClasses], [rows, 7]);
  for (const row of [0, 1, 12_345, rows - 1]) {
    assertEquals([...dataset.features.subarray(2 * row, 2 * row + 2)], [row, row / 4]);
    assertEquals(dataset.labels[row], row % 7);
  }
});

const FAULTS: readonly [string, ParseTableOptions, keyof typeof ERRORS, string][] = [
  ["", {}, "SyntaxError", "it is empty"],
  ["\n\r\n", {}, "SyntaxError", "it is empty"],
  ["\uFEFF", {}, "SyntaxError", "it is empty"],
  ["a,b,y\n", {}, "SyntaxError", "it has a header and no rows"],
  ["1,2,0", { header: true }, "SyntaxError", "it has a header and no rows"],
  ["a,b,y\n1,2,0\n\n1,2\n", {}, "SyntaxError", "line 4: expected 3 fields, got 2"],
  [
    "1,2,0\n1,2,0,7\n",
    {},
    "SyntaxError",
    "line 2: expected 3 fields as line 1 has (1, 2, 0), got 4",
  ],
  ["a,b,y\n1,2,0\n1,x,0\n", {}, "SyntaxError", "line 3, column b: expected a number as other"],
  ["1,2,0\n1,,0\n", {}, "SyntaxError", "line 2, column 2: expected a number, got a missing value"],
  ["1,2,0\nNaN,2,0\n", {}, "SyntaxError", "line 2, column 1: expected a number, got a missing"],
  ["1,2,0\n1e60,2,0\n", {}, "SyntaxError", "line 2, column 1: expected a number that a 32-bit"],
  ["1,2,0\n1,2,\n", {}, "SyntaxError", "line 2, column 3: expected a class, got a missing value"],
  [
    '1,2,0\n\n1,"2,0\n1,2,0\n',
    {},
    "SyntaxError",
    "a quoted field that begins after line 1 is not closed",
  ],
  ['1,2,0\n\n1,"2"3,0\n', {}, "SyntaxError", "line 3: a closing quote is followed"],
  ['1,2,0\n1,2"3",0\n', {}, "SyntaxError", "line 2: a quote stands inside a field"],
  ["1\n2\n", {}, "RangeError", "expected input columns besides the target, got none"],
  ["1;2;0\n", {}, "SyntaxError", "check the delimiter"],
  ["a,b,y\n1,2,0", { labelColumn: "z" }, "RangeError", 'a target column named "z", got a, b, y'],
  ["a,b,y\n1,2,0", { labelColumn: 3 }, "RangeError", "a target column from 0 to 2, got 3"],
  ["a,b,y\n1,2,0", { labelColumn: -1 }, "RangeError", "a target column from 0 to 2, got -1"],
  ["y,a,y\n1,2,0", { labelColumn: "y" }, "SyntaxError", 'columns 1 and 3 are both named "y"'],
  [
    "w,a,y\n,2,0",
    { idColumn: "w" },
    "SyntaxError",
    "line 2, column w: expected an id, got a missing",
  ],
  ["1,2,0", { idColumn: 3 }, "RangeError", "expected a column from 0 to 2, got 3"],
  [
    "1,2,0",
    { idColumn: "w", header: false },
    "TypeError",
    'a column is named "w" where there is no',
  ],
  ["1,2,0", { idColumn: 2 }, "RangeError", "expected one use of the column column 3, got several"],
  [
    "1,2,0",
    { idColumn: 0, featureColumns: [0, 1] },
    "RangeError",
    "expected one use of the column",
  ],
  ["1,2,0", { labelColumn: "y", header: false }, "RangeError", "got columns without names"],
  ["1,2,0\n1,2,3", { numClasses: 3 }, "RangeError", "expected the classes 0, 1, 2; got 3"],
  ["1,2,0\n1,2,123456", {}, "RangeError", "labels from 0 to 65535, got 123456"],
  ["1,2,0\n1,2,5e9", {}, "RangeError", "got 5000000000"],
  ["1,a\n1,c", { classes: ["a", "b"] }, "RangeError", "expected the classes a, b; got c"],
  ["1,a\n1,c", { numClasses: 3 }, "RangeError", "of 2, as many as there are, got 3"],
  ["1,1", { numClasses: 0 }, "RangeError", "a number of classes from 1, got 0"],
  ["1,1", { scale: NaN }, "RangeError", "expected a finite scale, got NaN"],
  ["1,1", { delimiter: "" }, "TypeError", 'delimiter without quotes and line ends, got ""'],
  ["1,1", { delimiter: ",", decimal: "," }, "TypeError", "a delimiter other than the decimal"],
  ["1,1", { comment: " " }, "TypeError", "a comment mark without quotes and blanks"],
  ["1,1", { skipRows: -1 }, "RangeError", "a number of lines to skip from 0, got -1"],
];

Deno.test("parseCsvDataset() names line, column and cause of what it cannot read", () => {
  for (const [text, options, kind, message] of FAULTS) {
    const error = assertThrows(
      () => parseCsvDataset(text, { ...options, name: "table.csv" }),
      ERRORS[kind],
      message,
    );
    assert(/^Cannot (read|use) table\.csv: /.test(error.message), error.message);
    assert(!error.message.includes("\n"), error.message);
  }
});

Deno.test({
  name: "parseCsvDataset() needs no permission",
  permissions: "none",
  fn: () => assertEquals(read("1,2,0").features, [1, 2]),
});

Deno.test("readTableDataset() and loadDataset() read files and name them in errors", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/good.csv`, "\uFEFFa,b,kind\n1,2,x\n3,4,y\n");
    await Deno.writeTextFile(`${folder}/good.TSV`, "1\t2\t1\n");
    await Deno.writeTextFile(`${folder}/bad.csv`, "1,2,0\n1,2\n");
    await Deno.writeFile(
      `${folder}/utf16.csv`,
      Uint8Array.of(0xFF, 0xFE, 0x31, 0, 0x2C, 0, 0x31, 0),
    );
    assertEquals((await readTableDataset(`${folder}/good.csv`)).classes, ["x", "y"]);
    const { name, train, test } = await loadDataset(`${folder}/good.csv`);
    assertEquals([name, train.length, test], [`${folder}/good.csv`, 2, undefined]);
    const loaded = await loadDataset(`${folder}/good.TSV`, { numClasses: 5 });
    assertEquals([loaded.train.rowLength, loaded.train.numClasses], [2, 5]);
    const first = await loadDataset(`${folder}/good.csv`, {
      table: { labelColumn: "a", header: true, classes: ["1", "3"] },
    });
    // A column of texts has categories.
    assertEquals([...first.train.features], [2, 1, 0, 4, 0, 1]);
    await assertRejects(
      () => readTableDataset(`${folder}/bad.csv`),
      SyntaxError,
      `Cannot read ${folder}/bad.csv: line 2: expected 3 fields as line 1 has (1, 2, 0), got 2`,
    );
    assertEquals([...(await readTableDataset(`${folder}/utf16.csv`)).dataset.features], [1]);
    await assertRejects(
      () => readTableDataset(`${folder}/gone.csv`),
      Deno.errors.NotFound,
      `Cannot read ${folder}/gone.csv: there is no such file`,
    );
    await assertRejects(
      () => loadDataset(`${folder}/gone.csv`),
      Deno.errors.NotFound,
      `${folder}/gone.csv`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
