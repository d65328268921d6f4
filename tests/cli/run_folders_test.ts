import { assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import { basename } from "node:path";
import { RunFolders } from "../../src/cli/dashboard/run_folders.ts";
import { writeSettings } from "../../src/cli/run/run_settings.ts";
import { readRun } from "../../src/cli/runs/read_run.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const REPORT = {
  ...{ schema: "fedlab.run/1", seed: 1, strategy: "fedavg", transport: "memory", worldSize: 2 },
  members: [{
    rank: 1,
    identity: "open",
    site: "\x1b[2Jnorth",
    received: 3,
    refused: 1,
    dropped: 0,
  }],
  rounds: [{ round: 1, bytesUp: 1, bytesDown: 1, seconds: 1, accuracy: 0.5, received: 1 }],
};

Deno.test("the list of runs shows torn, foreign and newer runs by their fault, and follows changes", () =>
  inFolder(async (folder) => {
    const write = async (run: string, text: string) => {
      await Deno.mkdir(`${folder}/${run}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${run}/report.json`, text);
    };
    await write("good", JSON.stringify(REPORT));
    await write("torn", JSON.stringify(REPORT).slice(0, 50));
    await write("newer", JSON.stringify({ ...REPORT, schema: "fedlab.run/9" }));
    await Deno.mkdir(`${folder}/empty`);
    await Deno.mkdir(`${folder}/begun/checkpoints`, { recursive: true });
    const runs = new RunFolders(folder);
    const faults = Object.fromEntries(
      (await runs.list()).map(({ id, fault }) => [id, fault ?? ""]),
    );
    assertEquals(Object.keys(faults).sort(), ["begun", "good", "newer", "torn"]);
    assertEquals(faults.good, "");
    assertMatch(faults.torn ?? "", /^Cannot read the run .*torn/);
    assertMatch(faults.newer ?? "", /expected a report "fedlab\.run\/1"/);
    assertMatch(faults.begun ?? "", /no whole checkpoint yet/);
    const torn = (await runs.find("torn"))!;
    await assertRejects(() => torn.follow(() => {}), Error, "Cannot read the run");
    const { clients: [member] } = await (await runs.find("good"))!.view();
    assertEquals([member?.name, member?.received, member?.state], [" [2Jnorth", 3, "left"]);
    await write("torn", JSON.stringify({ ...REPORT, strategy: "fedprox" }));
    assertEquals((await runs.list()).find(({ id }) => id === "torn")?.strategy, "fedprox");
  }));

Deno.test("a run with a report but without its last rounds is shown as stopped", () =>
  inFolder(async (folder) => {
    const stageWith = async (settings: object, more: object = {}) => {
      await Deno.writeTextFile(`${folder}/report.json`, JSON.stringify({ ...REPORT, ...more }));
      await writeSettings(folder, "simulate", settings);
      const run = await new RunFolders(folder).find(basename(folder));
      const { head, run: { command } } = await run!.view();
      assertEquals(command, "simulate");
      assertEquals((await readRun(folder)).record.stage, head.stage);
      return [head.stage, head.note];
    };
    assertEquals(await stageWith({ rounds: 1 }), ["finished", undefined]);
    assertEquals(await stageWith({ rounds: 9 }), ["stopped", "it ended before its last round"]);
    const stopped = { round: 1, reason: "no improvement" };
    assertEquals(await stageWith({ rounds: 9 }, { stopped }), ["finished", "no improvement"]);
    assertEquals((await stageWith({ mode: "async", versions: 9, rounds: 1 }))[0], "stopped");
  }));

Deno.test("links in a folder of runs do not lead out of it", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/away/checkpoints`, { recursive: true });
    await Deno.writeTextFile(`${folder}/away/report.json`, JSON.stringify(REPORT));
    await Deno.writeTextFile(`${folder}/secret`, "secret");
    await Deno.mkdir(`${folder}/runs/one`, { recursive: true });
    await Deno.mkdir(`${folder}/runs/two`, { recursive: true });
    await Deno.writeTextFile(`${folder}/runs/one/report.json`, JSON.stringify(REPORT));
    await Deno.symlink(`${folder}/secret`, `${folder}/runs/one/model.json`);
    await Deno.symlink(`${folder}/away/report.json`, `${folder}/runs/two/report.json`);
    await Deno.symlink(`${folder}/away/checkpoints`, `${folder}/runs/two/checkpoints`);
    await Deno.symlink(`${folder}/away`, `${folder}/runs/three`);
    const runs = new RunFolders(`${folder}/runs`);
    assertEquals((await runs.list()).map(({ id }) => id), ["one"]);
    const files = await (await runs.find("one"))!.files();
    assertEquals(files.map(({ name }) => name), ["report.json", "rounds.csv"]);
    const rounds = await files[1]?.read() ?? "";
    const [head, line] = (await new Response(rounds).text()).split("\n");
    assertMatch(head ?? "", /^round,loss,accuracy,/);
    assertMatch(line ?? "", /^1,,0\.5,,1,1,1,1/);
    for (const id of ["two", "three", "..", "../away", ""]) {
      assertEquals(await runs.find(id), undefined, id);
    }
  }));
