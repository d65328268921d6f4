import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { readSafetensors, type RunReport } from "../../mod.ts";
import { toJson } from "../../src/cli/run/run_folder.ts";
import { type CommandName, inFolder, runCommand, startCommand } from "../helpers/command.ts";

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

/** Two points of each of two classes, as a table. */
const TABLE = "a,b,label\n0,1,x\n1,0,y\n0.1,0.9,x\n0.9,0.2,y\n";

Deno.test("an output that would replace an input, another output or a file of the run is refused before the run", () =>
  inFolder(async (folder) => {
    const began = await runCommand("simulate", [...SHORT, "--out", "y"], folder);
    assertEquals(began.code, 0, began.stderr);
    await Deno.mkdir(`${folder}/pair`);
    const files = ["mine.csv", "model.json", "scales.json", "pair/train.csv", "pair/test.csv"];
    for (const file of files) await Deno.writeTextFile(`${folder}/${file}`, TABLE);
    await Deno.symlink("mine.csv", `${folder}/link.csv`);
    const report = await Deno.readTextFile(`${folder}/y/report.json`);
    const cases: [CommandName, string[], string][] = [
      [
        "partition",
        ["--data", "mine.csv", "--csv", "./mine.csv"],
        "--csv to be another file than --data",
      ],
      [
        "partition",
        ["--data", "mine.csv", "--csv", "link.csv"],
        "--csv to be another file than --data",
      ],
      [
        "partition",
        ["--data", "pair", "--csv", "pair/test.csv"],
        "--csv to be another file than --data",
      ],
      ["partition", ["--csv", "a", "--plot", "a"], "--plot to be another file than --csv, got a"],
      ["simulate", ["--data", "mine.csv", "--json", "mine.csv"], "than --data, got mine.csv"],
      ["simulate", ["--model", "model.json", "--csv", "model.json"], "than --model"],
      ["simulate", ["--schema", "schema.json", "--csv", "schema.json"], "than --schema"],
      ["simulate", ["--csv", "a", "--json", `${folder}/a`], "--csv to be another file than --json"],
      ["simulate", ["--csv", "-", "--json", "-"], "--csv to be another file than --json, got -"],
      [
        "simulate",
        ["--out", "z", "--json", "z/model.safetensors"],
        "than the run's own model.safetensors",
      ],
      ["simulate", ["--out", "z", "--csv", "z/checkpoints/a"], "than the run's own checkpoints"],
      ["demo", ["--out", "z", "--json", "z"], "than the run's folder"],
      ["server", ["--world-size", "2", "--out", "z", "--json", "z/report.json"], "own report.json"],
      ["client", ["--data", "mine.csv", "--json", "mine.csv"], "than --data"],
      ["plot", ["y", "--out", "y/report.json"], "--out to be another file than a run"],
      ["plot", ["y/report.json", "--csv", "y/report.json"], "--csv to be another file than a run"],
      ["plot", ["y", "--csv", "a", "--out", "a"], "--out to be another file than --csv"],
    ];
    for (const [command, args, message] of cases) {
      const { code, stderr } = await runCommand(command, args, folder);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, /^error: expected .*\n$/);
      assertStringIncludes(stderr, message);
    }
    for (const file of files) assertEquals(await Deno.readTextFile(`${folder}/${file}`), TABLE);
    assertEquals(await Deno.readTextFile(`${folder}/y/report.json`), report);
    const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assertEquals(left.sort(), ["link.csv", "mine.csv", "model.json", "pair", "scales.json", "y"]);
  }));

Deno.test("--json - and --csv - write to standard output, and the tables to standard error", () =>
  inFolder(async (folder) => {
    const run = await runCommand("simulate", [...SHORT, "--out", "y", "--json", "-"], folder);
    assertEquals(run.code, 0, run.stderr);
    assertEquals(run.stdout, await Deno.readTextFile(`${folder}/y/report.json`));
    assertMatch(run.stderr, /model digest/);
    const drawn = await runCommand("plot", ["y", "--csv", "-"], folder);
    assertMatch(drawn.stdout, /^run,strategy,.*\n.*,fedavg,0,1,.*\n$/);
    const dealt = await runCommand("partition", ["--clients", "2", "--csv", "-"], folder);
    assertMatch(dealt.stdout, /^client,size,.*\n1,750,.*\n2,750,.*\n$/);
    assertMatch(dealt.stderr, /rows of a client/);
    const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assertEquals(left, ["y"]);
  }));

Deno.test("a run that another process has in its folder is left alone, and goes on when that was killed", () =>
  inFolder(async (folder) => {
    const long = [...SHORT, "--rounds", "1000000"];
    const first = startCommand(
      "simulate",
      [...long, "--checkpoint-every", "1", "--out", "y"],
      folder,
    );
    await first.said(/round 3 of/);
    for (const args of [["--resume", "y"], [...SHORT, "--out", "y"]]) {
      const { code, stderr } = await runCommand("simulate", args, folder);
      assertEquals(code, 1);
      assertMatch(stderr, /^error: Cannot (use the folder|begin in) y: .*\n$/);
    }
    first.process.kill("SIGKILL");
    await first.outcome;
    const args = ["--resume", "y", "--rounds"];
    const again = startCommand("simulate", [...args, "1000000"], folder);
    await again.said(/round \d+ of/);
    const other = await runCommand("simulate", [...args, "5"], folder);
    assertMatch(
      other.stderr,
      /^error: Cannot use the folder y: another process has its run there\n$/,
    );
    again.process.kill("SIGINT");
    assertEquals((await again.outcome).code, 130);
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/y/report.json`));
    const rounds = `${report.rounds.length + 1}`;
    const end = await runCommand("simulate", [...args, rounds], folder);
    assertEquals(end.code, 0, end.stderr);
  }));

Deno.test("a simulation that is stopped between checkpoints goes on from its last round", () =>
  inFolder(async (folder) => {
    const long = ["--rounds", "1000000", "--checkpoint-every", "1000000"];
    const run = startCommand("simulate", [...SHORT, ...long, "--out", "y"], folder);
    await run.said(/round 3 of/);
    run.process.kill("SIGINT");
    assertEquals((await run.outcome).code, 130);
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/y/report.json`));
    const rounds = report.rounds.length;
    const args = ["--resume", "y", "--rounds", `${rounds + 1}`];
    const rest = await runCommand("simulate", args, folder);
    assertEquals(rest.code, 0, rest.stderr);
    assertMatch(rest.stderr, new RegExp(`samples\nround ${rounds + 1} of ${rounds + 1}`));
  }));

Deno.test("a server whose port is in use leaves no folder of a run", () =>
  inFolder(async (folder) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const listen = ["--listen", `127.0.0.1:${listener.addr.port}`, "--world-size", "2"];
    await Deno.mkdir(`${folder}/mine`);
    for (const out of [[], ["--out", "new"], ["--out", "mine"]]) {
      const { code } = await runCommand("server", [...listen, "--standardize", ...out], folder);
      assertEquals(code, 1);
    }
    const names = async (path: string) =>
      (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort();
    assertEquals(await names(folder), ["log", "mine", "runs"]);
    assertEquals(await names(`${folder}/runs`), []);
  }));

Deno.test("a dashboard whose port is in use, or which others can reach, is refused in a line", () =>
  inFolder(async (folder) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const refused = async (address: string) => {
      const { code, stderr } = await runCommand("demo", ["--dashboard", address], folder);
      assertEquals(code, 1, stderr);
      const names = Deno.readDir(`${folder}/runs`);
      assertEquals(await Array.fromAsync(names, ({ name }) => name), []);
      return stderr;
    };
    assertMatch(
      await refused(`127.0.0.1:${listener.addr.port}`),
      /^error: .*the port is in use.*$/m,
    );
    assertMatch(await refused("0.0.0.0:0"), /^error: .*expected FEDLAB_TOKEN.*$/m);
  }));

Deno.test("reproduce --runs-dir goes on with its own runs, and refuses one of other settings", () =>
  inFolder(async (folder) => {
    const args = ["2nn-iid", "--data", "digits", "--runs-dir", "kept", "--workers", "1"];
    const first = startCommand("reproduce", args, folder);
    await first.said(/round 10, accuracy/);
    first.process.kill("SIGINT");
    assertEquals((await first.outcome).code, 130);
    const other = await runCommand("reproduce", [...args, "--standardize"], folder);
    assertEquals(other.code, 1);
    assertEquals(
      other.stderr,
      "error: Cannot go on with kept/2nn-iid-1: expected a run of standardize true, got none; name another folder\n",
    );
    const again = startCommand("reproduce", args, folder);
    const [, round = ""] = await again.said(/round (\d+), accuracy/);
    assert(Number(round) > 10, round);
    again.process.kill("SIGINT");
    await again.outcome;
  }));

Deno.test("toJson() writes the results of each client on a line of their own, whatever their names", () => {
  const report = {
    trainByRank: [{ rank: 1, metrics: { "a ] }, {": 1, "x\n]": 2 } }, { rank: 2, metrics: {} }],
    cohort: [1, 2],
    clients: { byRank: [] },
  };
  const text = toJson(report);
  assertEquals(JSON.parse(text), report);
  assertEquals(text.split("\n").slice(0, 5), [
    "{",
    '  "trainByRank": [',
    '    { "rank": 1, "metrics": { "a ] }, {": 1, "x\\n]": 2 } },',
    '    { "rank": 2, "metrics": {} }',
    "  ],",
  ]);
});
