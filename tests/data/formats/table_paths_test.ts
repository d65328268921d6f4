import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { joinTables } from "../../../src/data/formats/join_tables.ts";
import { readTables } from "../../../src/data/formats/read_tables.ts";
import { siteFiles, tablePaths, trainAndTestIn } from "../../../src/data/formats/table_paths.ts";
import { inFolder } from "../../helpers/command.ts";
import { valuesOf } from "../../helpers/read_table.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Writes texts to files of a folder. */
async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

Deno.test("readTables() joins files by the names of their columns", () =>
  inFolder(async (folder) => {
    await write(folder, {
      "a.csv": "x,y\n1,no\n,yes\n",
      "b.csv": "y,x\n\nyes,3\n",
      "c.json": '[{"x": 4, "y": true}]',
    });
    const paths = ["a.csv", "b.csv", "c.json"].map((name) => `${folder}/${name}`);
    const table = await readTables(paths);
    assertEquals(valuesOf(table), { x: [1, null, 3, 4], y: ["no", "yes", "yes", "true"] });
    assertEquals([0, 1, 2, 3].map(table.place), [
      ...["line 2", "line 3"],
      ...[`line 3 of ${paths[1]}`, `row 1 of ${paths[2]}`],
    ]);
  }));

Deno.test("readTables() keeps the spelling of numbers that are texts in another file", () =>
  inFolder(async (folder) => {
    await write(folder, { "a.csv": "x,ward\n1,007\n2,1.0\n", "b.csv": "x,ward\n3,A7\n" });
    const table = await readTables([`${folder}/a.csv`, `${folder}/b.csv`]);
    assertEquals(valuesOf(table).ward, ["007", "1", "A7"]);
  }));

Deno.test("readTables() names the first difference of two files", () =>
  inFolder(async (folder) => {
    await write(folder, {
      "a.csv": "x [cm],y\n1,2\n",
      "inches.csv": "x [in],y\n1,2\n",
      "other.csv": "x [cm],z\n1,2\n",
      "more.csv": "x [cm],y,z\n1,2,3\n",
      "bare.csv": "1,2\n",
    });
    const cases = [
      ["inches.csv", "expected the column x in cm, got in"],
      ["other.csv", "expected the column y, got x, z"],
      ["more.csv", "expected the same columns, got z as well, leave it out"],
      ["bare.csv", "expected a header as there, got none (option header, --header)"],
    ] as const;
    for (const [name, says] of cases) {
      await assertRejects(
        () => readTables([`${folder}/a.csv`, `${folder}/${name}`]),
        RangeError,
        `Cannot use ${folder}/${name} beside ${folder}/a.csv: ${says}`,
      );
    }
    assertThrows(() => joinTables([]), RangeError, "expected one, got none");
  }));

Deno.test("tablePaths() understands lists and patterns, and takes names of files as they are", () =>
  inFolder(async (folder) => {
    const files = ["ward2.csv", "ward10.csv", "ward1.csv", "x.txt", "odd,*.csv"];
    await write(folder, Object.fromEntries(files.map((name) => [name, "1,2\n"])));
    const at = (...names: string[]) => names.map((name) => `${folder}/${name}`);
    const wards = at("ward1.csv", "ward2.csv", "ward10.csv");
    assertEquals(await tablePaths(`${folder}/ward*.csv`), wards);
    assertEquals(await tablePaths(`${folder}/ward?.csv`), wards.slice(0, 2));
    assertEquals(await tablePaths(`${wards[1]}, ${wards[0]}`), [wards[1], wards[0]]);
    assertEquals(await tablePaths(at("odd,*.csv")[0] ?? ""), at("odd,*.csv"));
    assertEquals(await tablePaths(folder), undefined);
    assertEquals(await tablePaths(`${folder}/none.csv`), undefined);
    await assertRejects(() => tablePaths(`${folder}/no*.csv`), Deno.errors.NotFound, "no file in");
    await assertRejects(
      () => tablePaths(`${wards[0]},${folder}/gone.csv`),
      Deno.errors.NotFound,
      "gone.csv: there is no such file",
    );
    await assertRejects(() => tablePaths(`${wards[0]},${wards[0]}`), RangeError, "each file once");
  }));

Deno.test("trainAndTestIn() finds the two tables in any case, or says what it found", () =>
  inFolder(async (folder) => {
    assertEquals(await trainAndTestIn(folder), undefined);
    await write(folder, { "site1.csv": "1,2\n", "site2.csv.gz": "", "notes.md": "" });
    await assertRejects(
      () => trainAndTestIn(folder),
      Deno.errors.NotFound,
      "expected a table train and a table test, got site1.csv, site2.csv.gz: name one, join them",
    );
    assertEquals(await siteFiles(folder), [
      { name: "site1", path: `${folder}/site1.csv` },
      { name: "site2", path: `${folder}/site2.csv.gz` },
    ]);
    await write(folder, { "Train.csv": "1,2\n" });
    await assertRejects(() => trainAndTestIn(folder), Deno.errors.NotFound, "got Train.csv alone");
    await write(folder, { "TEST.parquet": "" });
    assertEquals(await trainAndTestIn(folder), {
      train: [`${folder}/Train.csv`],
      test: [`${folder}/TEST.parquet`],
    });
    await write(folder, { "test.csv": "" });
    await assertRejects(
      () => trainAndTestIn(folder),
      RangeError,
      "test.csv, TEST.parquet, Train.csv",
    );
  }));
