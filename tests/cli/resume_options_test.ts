import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { CheckpointStore, type RunReport } from "../../mod.ts";
import {
  type CommandName,
  inFolder,
  type Outcome,
  runCommand,
  startCommand,
} from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

async function readReport(folder: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(`${folder}/report.json`));
}

/** Two points of each of two classes, as a table. */
const TABLE = "a,b,label\n0,1,x\n1,0,y\n0.1,0.9,x\n0.9,0.2,y\n";

const BEGUN = [
  ...["--clients", "2", "--cohort-size", "1", "--workers", "1", "--model", "lr", "--lr", "0.5"],
];
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
      [["--cohort-size", "2"], "expected --cohort-size 1 as the run began, got 2"],
      [["--fraction", "0.5"], "expected no --fraction as the run began, got 0.5"],
      [["--partition", "shards:2"], "expected --partition iid as the run began, got shards:2"],
      [["--epochs", "2"], "expected --epochs 1 as the run began, got 2"],
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
    // Limits on failing clients may have stopped the run.
    const limits = ["--quorum", "0.25", "--round-tries", "5", "--update-bound", "1000"];
    const more = ["--resume", "../run", "--rounds", "5", ...limits];
    const again = await runCommand("simulate", more, other);
    assertEquals(again.code, 0, again.stderr);
    assertEquals((await readReport(`${folder}/run`)).rounds.length, 5);
  }));

Deno.test("simulate --resume tries the report that it is given before it goes on", () =>
  inFolder(async (folder) => {
    await begin(folder);
    await Deno.remove(`${folder}/r.json`);
    await Deno.mkdir(`${folder}/r.json`);
    const args = ["--resume", "run", "--rounds", "3", "--json", "r.json"];
    const { code, stderr } = await runCommand("simulate", args, folder);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: Cannot write r\.json: Is a directory/m);
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

/** Changes the options in a run's newest checkpoint, as the author of a malicious folder can. */
async function forge(run: string, flags: Record<string, unknown>): Promise<void> {
  const store = new CheckpointStore(`${run}/checkpoints`);
  const checkpoint = await store.latest();
  assert(checkpoint !== undefined);
  const { state } = checkpoint;
  const notes = Object(state.notes);
  await store.save({
    ...checkpoint,
    state: { ...state, notes: { ...notes, flags: { ...notes.flags, ...flags } } },
  });
}

Deno.test("simulate --resume writes nothing outside the run's folder that is not asked for anew, and says so", () =>
  inFolder(async (folder) => {
    await begin(folder);
    const victim = `${folder}/victim.txt`, run = `${folder}/run`;
    await Deno.writeTextFile(victim, "kept");
    await Deno.mkdir(`${folder}/elsewhere`);
    await Deno.symlink(`${folder}/elsewhere`, `${run}/sub`);
    await Deno.symlink(victim, `${run}/link.json`);
    await Deno.symlink(`${folder}/elsewhere`, `${run}/curves`);
    let rounds = 2;
    const resume = async (flags: Record<string, unknown>, ...args: string[]) => {
      const options = { json: undefined, csv: undefined, tensorboard: undefined };
      await forge(run, { ...options, ...flags });
      const { code, stderr } = await runCommand(
        "simulate",
        ["--resume", "run", "--rounds", `${++rounds}`, ...args],
        folder,
      );
      assertEquals(code, 0, stderr);
      return stderr;
    };
    const outside: Record<string, unknown>[] = [
      { json: victim },
      { csv: victim, tensorboard: `${folder}/events` },
      { json: `${run}/../victim.txt` },
      { json: `${run}/sub/x.json`, csv: `${run}/link.json`, tensorboard: `${run}/curves` },
      { tensorboard: `${run}/sub/curves` },
      { json: `${folder}/none/x.json` },
    ];
    for (const flags of outside) {
      const said = await resume(flags);
      const named = Object.entries(flags).map(([name, path]) => `--${name} ${path}`);
      const line = said.split("\n").find((line) => line.startsWith("Not written, ")) ?? "";
      for (const one of named) assertStringIncludes(line, one);
    }
    assertEquals(await Deno.readTextFile(victim), "kept");
    assertEquals(await Array.fromAsync(Deno.readDir(`${folder}/elsewhere`)), []);
    const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assertEquals(left.sort(), ["elsewhere", "own.csv", "r.json", "run", "victim.txt"]);

    const said = await resume({ json: `${run}/inside.json` });
    assertEquals(said.includes("Not written"), false);
    assertEquals(JSON.parse(await Deno.readTextFile(`${run}/inside.json`)).rounds.length, rounds);
    await resume({ json: victim }, "--json", "asked.json");
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/asked.json`)).rounds.length, rounds);
    assertEquals(await Deno.readTextFile(victim), "kept");
    // Inputs are announced before they are read.
    assertMatch(said, /Using options that run names: --data \S+own\.csv\n/);
  }));

Deno.test("a log file is named, not placed: neither by an option nor by a run's folder", () =>
  inFolder(async (folder) => {
    for (const [command, ...args] of [["server", "--world-size", "2"], ["client"]] as const) {
      for (const name of ["../x", "a/b", "a\\b"]) {
        const { code, stderr } = await runCommand(
          command,
          [...args, "--logger-file", name],
          folder,
        );
        assertEquals(code, 2);
        assertStringIncludes(stderr, "Expected a name without path separators.");
      }
    }
    const server = startCommand("server", [
      ...["--listen", "127.0.0.1:0", "--world-size", "2", "--rounds", "1", "--out", "run"],
      ...["--model", "lr"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const client = startCommand("client", ["--server", address], folder);
    for (const { outcome } of [server, client]) assertEquals((await outcome).code, 0);
    await forge(`${folder}/run`, {
      loggerFile: "../../x",
      insecure: true,
      allowKeys: "/some.keys",
    });
    const { code, stderr } = await runCommand("server", ["--resume", "run"], folder);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "expected the run's --logger-file to be a name without path");
    const other = ["--resume", "run", "--logger-file", "x"];
    assertMatch(
      (await runCommand("server", other, folder)).stderr,
      /^Using options that run names: --listen 127\.0\.0\.1:0, --insecure, --allow-keys \/some\.keys\n/,
    );
  }));

Deno.test("a link in the place of a run's file is refused in a line, and what it names stays", () =>
  inFolder(async (folder) => {
    await begin(folder);
    const victim = `${folder}/victim`;
    await Deno.writeTextFile(victim, "kept");
    await Deno.mkdir(`${folder}/other`);
    for (const run of ["run", "empty"]) {
      await Deno.mkdir(`${folder}/${run}`, { recursive: true });
      const names = ["report.json", "model.safetensors", "model.json", "accuracy.svg", ".lock"];
      for (const name of [...names, "standardizer.json", "checkpoints"]) {
        const path = `${folder}/${run}/${name}`;
        await Deno.rename(path, `${folder}/away`).catch(() => {});
        await Deno.symlink(name === "checkpoints" ? `${folder}/other` : victim, path);
        const args = run === "run" ? ["--resume", run] : [...BEGUN, ...OWN_DATA, "--out", run];
        const { code, stderr } = await runCommand("simulate", [...args, "--rounds", "3"], folder);
        assertEquals(code, 1, stderr);
        assertMatch(stderr, /^error: Cannot (use|begin in) [^\n]*\n$/);
        if (!stderr.includes("there is a run already")) {
          const what = name === "checkpoints" ? "a folder" : "a regular file";
          assertStringIncludes(stderr, `${run}/${name}: expected ${what}, got a link`);
        }
        await Deno.remove(path);
        await Deno.rename(`${folder}/away`, path).catch(() => {});
      }
    }
    assertEquals(await Deno.readTextFile(victim), "kept");
    assertEquals(await Array.fromAsync(Deno.readDir(`${folder}/other`)), []);
  }));
