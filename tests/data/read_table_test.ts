import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { readTable } from "../../src/data/formats/read_table.ts";
import type { RawTable, ReadTableOptions } from "../../src/data/formats/raw_table.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Values of each column by its name or index, `null` for a missing one. */
function valuesOf({ columns }: RawTable): Record<string, unknown[]> {
  return Object.fromEntries(columns.map(({ name, index, numbers, codes, texts }) => [
    name ?? `${index}`,
    numbers
      ? Array.from(numbers, (value) => Number.isNaN(value) ? null : value)
      : Array.from(codes ?? [], (code) => texts?.[code] ?? null),
  ]));
}

/** Writes a table to a file, and reads it. */
async function read(
  content: string | Uint8Array<ArrayBuffer>,
  options: ReadTableOptions = {},
  extension = "csv",
): Promise<RawTable> {
  let table: RawTable | undefined;
  await inFolder(async (folder) => {
    const path = `${folder}/t.${extension}`;
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
    table = await readTable(path, options);
  });
  if (!table) throw new Error("unreachable");
  return table;
}

Deno.test("readTable() gives numbers, texts, missing values and the lines of rows", async () => {
  const table = await read('a,b,"y, z"\n1,,no\n\n-2e3, 3 ,"two\nlines"\nNA,4,?\n');
  assertEquals(valuesOf(table), {
    a: [1, -2000, null],
    b: [null, 3, 4],
    "y, z": ["no", "two\nlines", null],
  });
  assertEquals([0, 1, 2].map(table.place), ["line 2", "line 5", "line 6"]);
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
