import { assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import type { RunReport } from "../mod.ts";
import { type CommandName, inFolder, type Outcome, runCommand, startCommand } from "./_command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

async function readReport(folder: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(`${folder}/report.json`));
}

/** Two points of each of two classes, as a table. */
const TABLE = "a,b,label\n0,1,x\n1,0,y\n0.1,0.9,x\n0.9,0.2,y\n";

const BEGUN = ["--clients", "2", "--cohort", "1", "--workers", "1", "--model", "lr", "--lr", "0.5"];
const OWN_DATA = ["--dataset", "own.csv", "--evaluate", "clients"];

async function begin(folder: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/own.csv`, TABLE);
  const { code, stderr } = await runCommand("simulate", [
    ...[...BEGUN, ...OWN_DATA, "--rounds", "2", "--checkpoint-every", "1"],
    ...["--out", "run", "--json", "r.json"],
  ], folder);
  assertEquals(code, 0, stderr);
}

Deno.test("simulate --resume refuses options with which another model would come out", () =>
  inFolder(async (folder) => {
    await begin(folder);
    await Deno.writeTextFile(`${folder}/other.csv`, TABLE);
    const cases = [
      [["--clients", "3"], "expected --clients 2 as the run began, got 3"],
      [["--cohort", "2"], "expected --cohort 1 as the run began, got 2"],
      [["--fraction", "0.5"], "expected no --fraction as the run began, got 0.5"],
      [["--partition", "shards:2"], "expected --partition iid as the run began, got shards:2"],
      [["--lr", "0.1"], "expected --lr 0.5 as the run began, got 0.1"],
      [["--seed", "5"], "expected --seed 0 as the run began, got 5"],
      [["--model", "mlp"], "expected --model lr as the run began, got mlp"],
      [["--strategy", "fedavgm"], "expected --strategy fedavg as the run began, got fedavgm"],
      [["--keep-momentum"], "expected no --keep-momentum as the run began, got true"],
      [["--dataset", "other.csv"], "own.csv as the run began, got "],
      [["--classes", "y,x"], "expected no --classes as the run began, got y,x"],
    ] as const;
    for (const [args, message] of cases) {
      const { code, stderr } = await runCommand("simulate", ["--resume", "run", ...args], folder);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, message);
    }
    assertEquals((await readReport(`${folder}/run`)).rounds.length, 2);
  }));

Deno.test("simulate --resume goes on from another folder, with what is given once more and with more rounds", () =>
  inFolder(async (folder) => {
    await begin(folder);
    const other = `${folder}/elsewhere`;
    await Deno.mkdir(other);
    const same = [...BEGUN, "--dataset", "../own.csv", "--strategy", "fedavg"];
    const { code, stderr } = await runCommand(
      "simulate",
      ["--resume", "../run", "--rounds", "4", ...same],
      other,
    );
    assertEquals(code, 0, stderr);
    const again = await runCommand("simulate", ["--resume", "../run", "--rounds", "5"], other);
    assertEquals(again.code, 0, again.stderr);
    assertEquals((await readReport(`${folder}/run`)).rounds.length, 5);
  }));

Deno.test("simulate --resume tries the report that the run began with before it goes on", () =>
  inFolder(async (folder) => {
    await begin(folder);
    await Deno.remove(`${folder}/r.json`);
    await Deno.mkdir(`${folder}/r.json`);
    const args = ["--resume", "run", "--rounds", "3"];
    const { code, stderr } = await runCommand("simulate", args, folder);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: Cannot write \S+\/r\.json: Is a directory/);
    assertEquals((await readReport(`${folder}/run`)).rounds.length, 2);
  }));

Deno.test("server --resume takes no smaller group than the run began with", () =>
  inFolder(async (folder) => {
    const server = startCommand("server", [
      ...["--listen", "127.0.0.1:0", "--world-size", "3", "--rounds", "2", "--out", "run"],
      ...["--model", "lr"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2].map((rank) =>
      startCommand("client", ["--server", address, "--part", `${rank}/2`], folder)
    );
    const outcomes: Outcome[] = await Promise.all(
      [server, ...clients].map(({ outcome }) => outcome),
    );
    assertEquals(outcomes.map(({ code }) => code), [0, 0, 0]);
    const resume = async (args: string[], task: CommandName = "server") =>
      await runCommand(task, ["--resume", "run", ...args], folder);
    const { code, stderr } = await resume(["--world-size", "2"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "expected --world-size of at least 3 as the run began, got 2");
    assertStringIncludes(
      (await resume([], "simulate")).stderr,
      "not begun by the command simulate",
    );
  }));
