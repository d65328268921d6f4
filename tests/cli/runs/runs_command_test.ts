import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import { tryLockFile } from "../../../src/base/files/lock.ts";
import { followRun } from "../../../src/cli/runs/follow_run.ts";
import { inFolder, runCommand, taskArguments } from "../../helpers/command.ts";
import { writeHistory, writeReport, writeSettingsOf } from "./made_runs.ts";

const LOCK_WAIT = new AbortController().signal;

Deno.test("followRun() shows the rounds of another process as they end, until it is over", () =>
  inFolder(async (folder) => {
    await writeSettingsOf(folder, { rounds: 3, checkpointEvery: 1 });
    await writeHistory(folder, [0.25]);
    const lock = await tryLockFile(`${folder}/.lock`);
    const lines: string[] = [];
    let seen = Promise.withResolvers<void>();
    const following = followRun(folder, {
      signal: LOCK_WAIT,
      show(line) {
        lines.push(line);
        seen.resolve();
      },
    });
    for (const accuracies of [[0.25, 0.5], [0.25, 0.5, 0.75]]) {
      await seen.promise;
      seen = Promise.withResolvers<void>();
      await writeHistory(folder, accuracies, '{"round":');
    }
    await seen.promise;
    await writeReport(folder, { accuracies: [0.25, 0.5, 0.75] });
    lock?.[Symbol.dispose]();
    const { stage, score } = await following;
    assertEquals([stage, score], ["finished", 0.75]);
    assertEquals(lines, [
      "round 1 of 3, loss 0.7500, accuracy 25.00%, 0.50 s",
      "round 2 of 3, loss 0.5000, accuracy 50.00%, 0.50 s",
      "round 3 of 3, loss 0.2500, accuracy 75.00%, 0.50 s",
    ]);
  }));

Deno.test("followRun() says once that a run keeps no rounds, and ends with its signal", () =>
  inFolder(async (folder) => {
    await writeSettingsOf(folder, { rounds: 3 });
    using _lock = await tryLockFile(`${folder}/.lock`);
    const stop = new AbortController();
    const following = followRun(folder, {
      signal: stop.signal,
      show() {},
      onSilent: () => stop.abort(new Error("enough")),
    });
    await assertRejects(() => following, Error, "enough");
  }));

Deno.test("runs lists, compares and follows runs of a folder", () =>
  inFolder(async (folder) => {
    await writeReport(`${folder}/runs/one`, { accuracies: [0.5, 0.75] });
    await writeReport(`${folder}/runs/two`, { accuracies: [0.5], seed: 2 });
    await writeHistory(`${folder}/runs/half`, [0.25]);
    const list = await runCommand("runs", ["--sort", "best", "--json", "list.json"], folder);
    assertEquals(list.code, 0, list.stderr);
    assertMatch(list.stdout, /│ one .*│ two .*│ half .*3 runs\n$/s);
    const runs = JSON.parse(await Deno.readTextFile(`${folder}/list.json`));
    assertEquals(runs.map(({ name }: { name: string }) => name), ["one", "two", "half"]);
    const compared = await runCommand("runs", ["compare", "one", "runs/two"], folder);
    assertEquals(compared.code, 0, compared.stderr);
    assertMatch(compared.stdout, /│ seed +│ +1 │ +2 │/);
    const over = await runCommand("runs", ["follow", "one"], folder);
    assertEquals(over.code, 0, over.stderr);
    assertMatch(over.stdout, /round 2, loss 0.2500.*\none is over: 2 rounds, accuracy 75.00%/);
    const half = await runCommand("runs", ["follow", "half"], folder);
    assertEquals([half.code, half.stderr], [
      1,
      "error: half has stopped: 1 round, accuracy 25.00%\n",
    ]);
  }));

Deno.test("runs names what it was given and cannot use", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/runs`);
    const cases: [string[], number, RegExp][] = [
      [["drop"], 2, /expected list, compare, follow, got "drop"/],
      [["compare", "one"], 2, /expected two runs or more after compare/],
      [["follow", "a", "b"], 2, /expected one run after follow/],
      [["list", "a"], 2, /expected runs after compare or follow alone/],
      [["compare", "a", "b"], 1, /Cannot find the run a: there is no folder runs\/a or a/],
      [["follow"], 1, /Cannot follow a run of runs: none is under way/],
      [["--runs-dir", "nowhere"], 1, /Cannot list nowhere: there is no such folder/],
      [["--sort", "worst"], 2, /newest, best, fastest, smallest/],
    ];
    const ended = await Promise.all(cases.map(([args]) => runCommand("runs", args, folder)));
    for (const [i, { code, stderr }] of ended.entries()) {
      assertEquals(code, cases[i]?.[1], stderr);
      assertMatch(stderr, cases[i]?.[2] ?? /^$/);
    }
  }));

Deno.test("runs lists a folder that it may not write to", () =>
  inFolder(async (folder) => {
    await writeReport(`${folder}/kept/one`, { accuracies: [0.5] });
    const root = new URL("../../../", import.meta.url).pathname;
    const args = taskArguments("runs").map((arg) => arg.replace(/^src\//, `${root}src/`));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args, "--runs-dir", "kept"],
      cwd: folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    assertEquals(code, 0, text.decode(stderr));
    assertMatch(text.decode(stdout), /│ one .*1 run\n$/s);
    assert(![...Deno.readDirSync(`${folder}/kept`)].some(({ name }) => name.startsWith(".")));
  }));
