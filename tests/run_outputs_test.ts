import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { readSafetensors, type RunReport } from "../mod.ts";
import { type CommandName, inFolder, runCommand, startCommand } from "./_command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SHORT = ["--clients", "4", "--rounds", "1", "--workers", "1", "--model", "lr"];

Deno.test("a report that cannot be written is refused before the run, and leaves nothing behind", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/taken`);
    await Deno.writeTextFile(`${folder}/file`, "kept");
    await Deno.writeTextFile(`${folder}/run.json`, '{"schema":"fedlab.run/1"}');
    const cases: [CommandName, string[], string][] = [
      ["simulate", ["--json", "taken"], "Cannot write taken: Is a directory"],
      ["simulate", ["--csv", "none/r.csv"], "Cannot write none/r.csv: there is no folder none"],
      ["simulate", ["--out", "file"], "Cannot make the folder file: "],
      ["server", ["--world-size", "2", "--json", "taken"], "Cannot write taken: "],
      ["partition", ["--plot", "taken"], "Cannot write taken: "],
      ["plot", ["run.json", "--out", "taken"], "Cannot write taken: "],
    ];
    for (const [command, args, message] of cases) {
      const { code, stderr } = await runCommand(command, args, folder);
      assertEquals(code, 1, stderr);
      assertEquals(stderr.split("\n")[0]?.startsWith(`error: ${message}`), true, stderr);
    }
    const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assertEquals(left.sort(), ["file", "run.json", "taken"]);
    assertEquals(await Deno.readTextFile(`${folder}/file`), "kept");
  }));

Deno.test("simulate writes its report into the folder that it makes", () =>
  inFolder(async (folder) => {
    const outputs = ["--out", "run", "--json", "run/x.json", "--csv", "./run/x.csv"];
    const { code, stderr } = await runCommand("simulate", [...SHORT, ...outputs], folder);
    assertEquals(code, 0, stderr);
    const text = await Deno.readTextFile(`${folder}/run/x.json`);
    assertEquals(text, await Deno.readTextFile(`${folder}/run/report.json`));
    assertMatch(await Deno.readTextFile(`${folder}/run/x.csv`), /^round,/);
  }));

Deno.test("simulate keeps the model when its reports can no longer be written, and says both", () =>
  inFolder(async (folder) => {
    const outputs = ["--out", "run", "--json", "r.json", "--csv", "r.csv"];
    const simulate = startCommand(
      "simulate",
      [...SHORT, ...outputs, "--rounds", "1000000"],
      folder,
    );
    await simulate.said(/round 2 of/);
    for (const name of ["r.json", "r.csv"]) await Deno.mkdir(`${folder}/${name}`);
    simulate.process.kill("SIGINT");
    const { code, stderr } = await simulate.outcome;
    assertEquals(code, 130, stderr);
    for (const name of ["r.json", "r.csv"]) {
      assertMatch(stderr, new RegExp(`error: Cannot write ${name}: .*directory`));
    }
    assertMatch(stderr, /stopped\n$/);
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
    const { parameters } = await readSafetensors(`${folder}/run/model.safetensors`);
    const digest = await crypto.subtle.digest("SHA-256", parameters);
    assertEquals(new Uint8Array(digest).toHex(), report.modelDigest);
    assert(report.rounds.length >= 2);
  }));

Deno.test("a folder that has a run is refused, with and without checkpoints", () =>
  inFolder(async (folder) => {
    const first = await runCommand("simulate", [...SHORT, "--out", "run"], folder);
    assertEquals(first.code, 0, first.stderr);
    const report = await Deno.readTextFile(`${folder}/run/report.json`);
    const again: [CommandName, string[]][] = [
      ["simulate", SHORT],
      ["demo", ["--transport", "memory"]],
      ["server", ["--world-size", "2"]],
    ];
    for (const [command, args] of again) {
      const { code, stderr } = await runCommand(command, [...args, "--out", "run"], folder);
      assertEquals(code, 1);
      assertMatch(stderr, /error: Cannot begin in run: there is a run already, see report\.json/);
    }
    assertEquals(await Deno.readTextFile(`${folder}/run/report.json`), report);
  }));
