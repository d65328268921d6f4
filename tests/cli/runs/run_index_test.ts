import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { INDEX, RunIndex } from "../../../src/cli/runs/run_index.ts";
import { inFolder } from "../../helpers/command.ts";
import { writeHistory, writeReport, writeSettingsOf } from "./made_runs.ts";

/** Opens the index of a folder and lists it, with the notices. */
async function listed(folder: string, rebuild = false) {
  const notices: string[] = [];
  using index = await RunIndex.open(folder, { rebuild, onNotice: (line) => notices.push(line) });
  return { runs: index.list(), notices };
}

const namesIn = async (folder: string) => (await listed(folder)).runs.map(({ name }) => name);

Deno.test("RunIndex lists runs, those that are new, changed and gone", () =>
  inFolder(async (folder) => {
    assertEquals(await namesIn(folder), []);
    await writeReport(`${folder}/a`, { accuracies: [0.5, 0.75, 0.625] });
    await writeReport(`${folder}/b`, { accuracies: [0.25] });
    const { runs, notices } = await listed(folder);
    assertEquals(notices, []);
    const [b, a] = runs;
    assertEquals([a?.name, a?.stage, a?.rounds], ["a", "finished", 3]);
    assertEquals([a?.metric, a?.score, a?.best], ["accuracy", 0.625, 0.75]);
    assertEquals([a?.bytesUp, a?.bytesDown, a?.seconds], [3000, 9000, 2]);
    assertEquals([a?.digest, a?.facts.seed, b?.score], ["00", 1, 0.25]);
    await writeReport(`${folder}/b`, { accuracies: [0.25, 1] });
    await Deno.remove(`${folder}/a`, { recursive: true });
    const later = await listed(folder);
    assertEquals(later.runs.map(({ name, score }) => [name, score]), [["b", 1]]);
  }));

Deno.test("RunIndex reads a run again only when its files have changed", () =>
  inFolder(async (folder) => {
    await writeReport(`${folder}/a`, { accuracies: [0.5] });
    const { mtime } = await Deno.stat(`${folder}/a/report.json`);
    await listed(folder);
    const text = await Deno.readTextFile(`${folder}/a/report.json`);
    await Deno.writeTextFile(
      `${folder}/a/report.json`,
      text.replace('"accuracy":0.5', '"accuracy":0.6'),
    );
    await Deno.utime(`${folder}/a/report.json`, mtime ?? 0, mtime ?? 0);
    assertEquals((await listed(folder)).runs[0]?.score, 0.5);
    assertEquals((await listed(folder, true)).runs[0]?.score, 0.6);
  }));

Deno.test("RunIndex sorts by the metric, and by time and traffic", () =>
  inFolder(async (folder) => {
    await writeReport(`${folder}/a`, { accuracies: [0.5], seconds: 1 });
    await writeReport(`${folder}/b`, { accuracies: [0.75, 0.7], seconds: 3 });
    await writeReport(`${folder}/c`, { accuracies: [0.25], seconds: 2 });
    using index = await RunIndex.open(folder);
    const names = (order: Parameters<typeof index.list>[0]) => index.list(order).map((r) => r.name);
    assertEquals(names("best"), ["b", "a", "c"]);
    assertEquals(names("fastest"), ["a", "c", "b"]);
    assertEquals(names("smallest"), ["a", "c", "b"]);
    assertEquals(names("newest"), ["c", "b", "a"]);
    assertEquals(index.list("best", 1).map(({ name }) => name), ["b"]);
    assertEquals(index.find("b")?.rounds.map(({ score }) => score), [0.75, 0.7]);
    assertEquals(index.find("d"), undefined);
  }));

Deno.test("RunIndex is made again from the folders when its file is damaged", () =>
  inFolder(async (folder) => {
    await writeReport(`${folder}/a`, { accuracies: [0.5] });
    const { runs } = await listed(folder);
    const path = `${folder}/${INDEX}`;
    {
      using file = await Deno.open(path, { write: true });
      // Past the header: the pages of the tables.
      await file.seek(4096, Deno.SeekMode.Start);
      await file.write(new Uint8Array(8192).fill(0xa5));
    }
    const again = await listed(folder);
    assertEquals(again.runs, runs);
    assertMatch(again.notices.join(), /is damaged \(.+\): it is made again/);
    assertEquals((await listed(folder)).notices, []);
  }));

Deno.test("RunIndex leaves files of later versions and of other programs as they are", () =>
  inFolder(async (folder) => {
    const { DatabaseSync } = await import("node:sqlite");
    const path = `${folder}/${INDEX}`;
    await writeReport(`${folder}/a`, { accuracies: [0.5] });
    const { runs } = await listed(folder);
    const alter = (sql: string) => {
      const database = new DatabaseSync(path);
      database.exec(sql);
      database.close();
    };
    const cases: [RegExp, () => void | Promise<void>][] = [
      [/is of a later version/, () => alter("PRAGMA user_version = 2")],
      [/is no index of runs/, () => alter("PRAGMA application_id = 7")],
      [/is no index of runs/, () => Deno.writeTextFile(path, "notes of somebody ".repeat(100))],
    ];
    for (const [notice, change] of cases) {
      await change();
      const before = await Deno.readFile(path);
      const other = await listed(folder);
      assertMatch(other.notices.join(), notice);
      assertEquals(other.runs, runs);
      assertEquals(await Deno.readFile(path), before);
      assertEquals((await listed(folder, true)).notices, []);
    }
  }));

Deno.test("RunIndex names files that are torn or of later versions, and lists the rest", () =>
  inFolder(async (folder) => {
    await writeReport(`${folder}/whole`, { accuracies: [0.5] });
    await writeReport(`${folder}/torn`, { accuracies: [0.5] });
    const report = await Deno.readTextFile(`${folder}/torn/report.json`);
    await Deno.writeTextFile(`${folder}/torn/report.json`, report.slice(0, 300));
    await writeReport(`${folder}/newer`, { accuracies: [0.5], schema: "fedlab.run/2" });
    await writeReport(`${folder}/settings`, { accuracies: [0.5] });
    await writeSettingsOf(`${folder}/settings`, { schema: "fedlab.settings/2" });
    await writeHistory(`${folder}/history`, [0.25, 0.5], "not JSON\n");
    await Deno.mkdir(`${folder}/no-run`);
    const { runs } = await listed(folder);
    const faults = Object.fromEntries(runs.map(({ name, fault = "" }) => [name, fault]));
    assertEquals(runs.length, 5);
    assertEquals(faults.whole, "");
    assertMatch(faults.torn ?? "", /Cannot read the run .*torn\/report.json: .*JSON/);
    assertMatch(faults.newer ?? "", /newer\/report.json: expected .*"fedlab.run\/2"/);
    assertMatch(faults.settings ?? "", /settings.json: expected "fedlab.settings\/1"/);
    assertMatch(faults.history ?? "", /Cannot read line 3 of .*history.jsonl/);
    const of = (name: string) => runs.find((run) => run.name === name);
    assertEquals([of("settings")?.score, of("history")?.score], [0.5, 0.5]);
    assertEquals([of("history")?.stage, of("history")?.rounds], ["stopped", 2]);
  }));

Deno.test("RunIndex may be opened by several programs at once", () =>
  inFolder(async (folder) => {
    const names = Array.from({ length: 30 }, (_, i) => `run-${10 + i}`);
    for (const name of names) await writeReport(`${folder}/${name}`, { accuracies: [0.5] });
    const lists = await Promise.all(Array.from({ length: 4 }, () => namesIn(folder)));
    for (const list of lists) assertEquals(list, names.toReversed());
    assert((await Deno.stat(`${folder}/${INDEX}`)).size > 0);
  }));
