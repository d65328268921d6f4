import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@1.0.19";
import { loadDataset } from "../../../src/data/catalog/load.ts";
import { openData } from "../../../src/data/catalog/load.ts";
import { inFolder, runCommand } from "../../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const IMAGES = new URL("../../fixtures/images/", import.meta.url).pathname;

/** Writes texts to files of a folder. */
async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

Deno.test("loadDataset() joins several files, and takes rows to test on", () =>
  inFolder(async (folder) => {
    const rows = (from: number) =>
      Array.from({ length: 10 }, (_, i) => `${from + i},${i % 2 ? "no" : "yes"}\n`).join("");
    await write(folder, { "ward1.csv": `x,y\n${rows(0)}`, "ward2.csv": `x,y\n${rows(10)}` });
    const all = await loadDataset(`${folder}/ward*.csv`);
    assertEquals([...all.train.features], Array.from({ length: 20 }, (_, i) => i));
    assertEquals(all.test, undefined);
    const paths = `${folder}/ward1.csv,${folder}/ward2.csv`;
    const { train, test } = await loadDataset(paths, { testShare: 0.2 });
    assertEquals([train.length, test?.length], [16, 4]);
    const features = [...train.features, ...test?.features ?? []].sort((a, b) => a - b);
    assertEquals(features, [...all.train.features]);
    const again = await loadDataset(paths, { testShare: 0.2 });
    assertEquals(again.test?.features, test?.features);
    const error = await loadDataset("digits", { testShare: 0.2 }).catch((error) => error);
    assert(error instanceof RangeError);
    assertStringIncludes(error.message, "expected data without test rows for a share to test on");
  }));

Deno.test("loadDataset() gives the sites of the rows where each file is one", () =>
  inFolder(async (folder) => {
    await write(folder, {
      "b.csv": "x,y\n1,no\n2,yes\n",
      "a.csv": "y,x\nno,3\n",
      "test.csv": "x,y\n9,no\n",
    });
    const { train, ids } = await loadDataset(folder, { sites: true, table: { target: "y" } });
    assertEquals([[...train.features], ids], [[3, 1, 2], ["a", "b", "b"]]);
  }));

Deno.test("loadDataset() counts columns as the file does, where one is left out", () =>
  inFolder(async (folder) => {
    await write(folder, { "a.csv": ",x,y,z\n0,5,no,7\n1,6,yes,8\n" });
    const { train, classes } = await loadDataset(`${folder}/a.csv`, { table: { labelColumn: 2 } });
    assertEquals([[...train.features], classes], [[5, 7, 6, 8], ["no", "yes"]]);
    const source = await openData(`${folder}/a.csv`, { table: { target: 2 } });
    const { notes } = await source.arrange(undefined);
    assertMatch(notes.join(), /column 1 \(""\) numbers the rows and is left out/);
  }));

Deno.test("loadDataset() reads folders of images to train and to test on", () =>
  inFolder(async (folder) => {
    for (const path of ["Train/cat/1.png", "Train/dog/2.jpg", "test/dog/3.png"]) {
      await Deno.mkdir(`${folder}/${path.replace(/[^/]*$/, "")}`, { recursive: true });
      await Deno.copyFile(`${IMAGES}gray.${path.slice(-3)}`, `${folder}/${path}`);
    }
    const { train, test, classes } = await loadDataset(folder);
    assertEquals([train.shape, classes], [[4, 5, 1], ["cat", "dog"]]);
    assertEquals([[...train.labels], [...test?.labels ?? []]], [[0, 1], [1]]);
  }));

Deno.test("simulate makes a client of each table of a folder", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/sites`);
    const table = (from: number) =>
      `x,y\n${Array.from({ length: 12 }, (_, i) => `${from + i},${i % 2}\n`).join("")}`;
    await write(`${folder}/sites`, { "a.csv": table(0), "b.csv": table(1), "c.csv": table(2) });
    const options = ["--data", `${folder}/sites`, "--sites", "--model", "lr", "--rounds", "1"];
    const { code, stderr } = await runCommand("simulate", [
      ...options,
      ...["--evaluate", "clients", "--workers", "1"],
    ], folder);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "Simulating 3 clients, one for each table, 36 samples");
    const several = await runCommand("partition", [
      ...["--data", "sites/a.csv,sites/b.csv", "--clients", "2", "--json", "sites/b.csv"],
    ], folder);
    assertEquals(several.code, 2, several.stderr);
    assertStringIncludes(several.stderr, "sites/b.csv");
    const without = await runCommand("simulate", options.toSpliced(2, 1), folder);
    assertEquals(without.code, 1);
    assertStringIncludes(
      without.stderr,
      "got a.csv, b.csv, c.csv: name one, join them by a pattern",
    );
  }));

Deno.test("commands read text tables of other forms, and divide them for a test", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 20 }, (_, i) => `${i},5;-999;${i % 2 ? "no" : "yes"}\n`);
    const text = `Export\na;b;y\n# units: mm\n0,5;1;no\n${rows.join("")}`;
    await Deno.writeTextFile(`${folder}/t.csv`, text);
    const options = ["--data", `${folder}/t.csv`, "--skip-rows", "1", "--comment", "#"];
    options.push("--delimiter", ";", "--decimal", ",", "--missing-values", "b=-999,b=1");
    options.push("--exclude-columns", "b", "--clients", "2", "--workers", "1", "--model", "lr");
    const done = await runCommand("simulate", [...options, "--rounds", "1"], folder);
    assertEquals(done.code, 2);
    assertStringIncludes(done.stderr, "expected --test-share 0.2, or --evaluate clients");
    const { code, stderr } = await runCommand(
      "simulate",
      [...options, "--rounds", "1", "--test-share", "0.2"],
      folder,
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "Simulating 2 clients, iid, 17 samples");
  }));

Deno.test("openData() names what a file is, or that there is none", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const zip = Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0);
    const cases: [name: string, content: Uint8Array | undefined, says: string][] = [
      ["a.csv", zip, "a.csv: expected text, got an Excel or zip file, save it as CSV"],
      ["b.xlsx", zip, "b.xlsx: expected a table, got an Excel or zip file, save it as CSV"],
      ["none.csv", undefined, "none.csv: there is no such file"],
    ];
    for (const [name, content, says] of cases) {
      if (content) await Deno.writeFile(`${folder}/${name}`, content);
      const error = await assertRejects(() => openData(`${folder}/${name}`), Error);
      assert(error.message.endsWith(says), error.message);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
