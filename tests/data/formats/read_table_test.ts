import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import type { ReadTableOptions } from "../../../src/data/formats/raw_table.ts";
import { read, valuesOf } from "../../helpers/read_table.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("readTable() gives numbers, texts, missing values and the lines of rows", async () => {
  const table = await read('a,b,"y, z"\n1,,no\n\n-2e3, 3 ,"two\nlines"\nNA,4,?\n');
  assertEquals(valuesOf(table), {
    a: [1, -2000, null],
    b: [null, 3, 4],
    "y, z": ["no", "two\nlines", null],
  });
  assertEquals([0, 1, 2].map(table.place), ["line 2", "line 5", "line 6"]);
});

Deno.test("readTable() leaves out blanks around a field, and nothing within it", async () => {
  const table = await read("x,y\n NA , AB \nNaN ,  aa  bb  \n 2.5 , NN \n", { header: true });
  assertEquals(valuesOf(table), { x: [null, null, 2.5], y: ["AB", "aa  bb", "NN"] });
});

Deno.test("readTable() reads quoted numbers with a decimal comma", async () => {
  const table = await read('x;y\n"1,5";a\n"-2,";b\n3,25;c\n', { delimiter: ";", decimal: "," });
  assertEquals(valuesOf(table).x, [1.5, -2, 3.25]);
});

Deno.test("readTable() spells categories alike, also where numbers come before texts", async () => {
  const table = await read("x,k\n1,-1.0\n2,True\n3,007\n4,-1\n5,+2e1\n6,12345678901234567\n");
  assertEquals(valuesOf(table).k, ["-1", "true", "007", "-1", "20", "12345678901234567"]);
});

Deno.test("readTable() finds headers of numbers that count up", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => `${i % 7},${i % 5},${i % 3},${i % 2}\n`).join(
    "",
  );
  const table = await read(`0,1,2,3\n${rows}`);
  assertEquals([table.length, table.columns.map((column) => column.name)], [40, [..."0123"]]);
  assertEquals(table.notes, ["line 1 (0, 1, 2, 3) is taken for the header"]);
  assertEquals((await read(`5,1,2,3\n${rows}`)).length, 41);
  await assertRejects(
    () => read("0,1\n3,4\n"),
    SyntaxError,
    "line 1 (0, 1) may be a header or a row",
  );
  assertEquals((await read("0,1\n3,4\n", { header: false })).length, 2);
});

Deno.test("readTable() refuses a first line that is neither header nor row", async () => {
  await assertRejects(
    () => read("150,4,setosa,versicolor,virginica\n5.1,3.5,1.4,0.2,0\n"),
    SyntaxError,
    'line 1 (150, 4, setosa, versicolor, virginica), column 3: expected a number as below or names in all columns, got "setosa", skip the line',
  );
  await assertRejects(
    () => read("569,30,malignant,benign\n1,2,3,4,5\n"),
    SyntaxError,
    "line 2: expected 4 fields as line 1 has (569, 30, malignant, benign), got 5, skip lines",
  );
  assertEquals((await read("569,30,m,b\n1,2,3,4,5\n", { skipRows: 1 })).length, 1);
});

Deno.test("readTable() leaves out a column of row numbers and says so", async () => {
  for (const name of ["", "Unnamed: 0", "index"]) {
    const table = await read(`${name},a,y\n0,5,x\n1,6,z\n`);
    assertEquals(valuesOf(table), { a: [5, 6], y: ["x", "z"] });
    assertEquals(table.notes, [
      `column 1 (${JSON.stringify(name)}) numbers the rows and is left out`,
    ]);
  }
  assertEquals((await read("index,a\n3,5\n5,6\n")).columns.length, 2);
  assertEquals((await read(",a\n3,5\n5,6\n")).columns.length, 1);
  assertEquals((await read("index,a\n0,5\n1,6\n", { columns: ["index"] })).columns.length, 1);
  await assertRejects(() => read(",a\n3,5\n3,6\n"), SyntaxError, "expected a name for column 1");
});

Deno.test("readTable() ignores a delimiter at the end of each line", async () => {
  for (const text of ["a,y,\n1,x,\n2,z,\n", "a,y\n1,x,\n2,z,\n", "a,y\n1,x\n2,z\n"]) {
    assertEquals(valuesOf(await read(text)), { a: [1, 2], y: ["x", "z"] }, text);
  }
  assertEquals((await read("1,x,\n2,z,\n", { header: false })).columns.length, 2);
  await assertRejects(() => read("a,y\n1,x,\n2,z,7\n"), SyntaxError, "line 3: expected 2 fields");
});

Deno.test("readTable() reads text files in the forms that spreadsheets and instruments write", async () => {
  const expected = { a: [1.5, -2], y: ["x", "z"] };
  const cases: [text: string, options: ReadTableOptions, extension?: string][] = [
    ["sep=;\na;y\n1.5;x\n-2;z\n", {}],
    ["a;y\n1,5;x\n-2;z\n", { delimiter: ";", decimal: "," }],
    ["a;y\n1,5;x\n-2;z\n", { decimal: "," }],
    ["a||y\n1.5||x\n-2||z\n", { delimiter: "||" }],
    ["  a   y \n 1.5\t x\n -2  z  \n", { delimiter: "blank" }],
    ["a y\n1.5 x\n-2 z\n", {}, "data"],
    ["a\ty\n1.5\tx\n-2\tz\n", {}, "txt"],
    ["a\ty\n1.5\tx\n-2\tz\n", {}, "tsv"],
    ["Report\n\n# of today\na,y\n1.5,x\n# more\n-2,z\n", { skipRows: 1, comment: "#" }],
    ["a,y\r\n1.5,x\r-2,z", {}],
    ["\uFEFFa,y\n\n1.5,x\n   \n-2,z\n\n", {}],
    [' "a" , "y"\n"1.5" ,x\n"-2",z', {}],
  ];
  for (const [text, options, extension] of cases) {
    assertEquals(valuesOf(await read(text, options, extension)), expected, text);
  }
  await assertRejects(
    () => read("a;y\n1,5;x\n"),
    SyntaxError,
    'line 1 has 1 of the character ";" and 0 of the delimiter ",", check the delimiter',
  );
});

Deno.test("readTable() reads UTF-16 by its mark and other encodings by name", async () => {
  const text = "größe,y\n1,ä\n2,ß\n";
  const utf16 = (isLittle: boolean) => {
    const bytes = new Uint8Array(2 * text.length + 2);
    const view = new DataView(bytes.buffer);
    [..."\uFEFF" + text].forEach((c, i) => view.setUint16(2 * i, c.charCodeAt(0), isLittle));
    return bytes;
  };
  const latin = Uint8Array.from(text, (c) => c.charCodeAt(0));
  const expected = { größe: [1, 2], y: ["ä", "ß"] };
  assertEquals(valuesOf(await read(utf16(true))), expected);
  assertEquals(valuesOf(await read(utf16(false))), expected);
  assertEquals(valuesOf(await read(latin, { encoding: "windows-1252" })), expected);
  await assertRejects(
    () => read(latin),
    SyntaxError,
    "expected UTF-8, got other bytes, say the enc",
  );
  await assertRejects(
    () => read("a,y\n1,2\n", { encoding: "utf-7" }),
    TypeError,
    'expected an encoding such as utf-8, utf-16le or windows-1252, got "utf-7"',
  );
});

Deno.test("readTable() takes other marks of missing values, for all columns and for one", async () => {
  const text = "a,chol,y\n-999,0,x\n0,5.0,NA\n7,0.0,-999\n";
  assertEquals(valuesOf(await read(text, { missingValues: ["-999"] })), {
    a: [null, 0, 7],
    chol: [0, 5, 0],
    y: ["x", "NA", null],
  });
  assertEquals(valuesOf(await read(text, { missingValuesOf: { chol: ["0"] } })), {
    a: [-999, 0, 7],
    chol: [null, 5, null],
    y: ["x", null, "-999"],
  });
});

Deno.test("readTable() reads chosen columns, and refuses names that are not there", async () => {
  const text = "a,b,y\n1,oops,x\n2,3,z\n";
  assertEquals(valuesOf(await read(text, { columns: ["y", 0] })), { a: [1, 2], y: ["x", "z"] });
  assertEquals(valuesOf(await read(text, { excludeColumns: ["b"] })), { a: [1, 2], y: ["x", "z"] });
  await assertRejects(
    () => read(text, { columns: ["c"] }),
    RangeError,
    'expected a column named "c" in the header, got a, b, y',
  );
  await assertRejects(() => read("a,a\n1,2\n"), SyntaxError, 'both named "a", rename one');
  await assertRejects(
    () => read(text, { columns: [3] }),
    RangeError,
    "a column from 0 to 2, got 3",
  );
});
