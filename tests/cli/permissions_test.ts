import type { Schema } from "../../src/data/mod.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import {
  loadDataset,
  mlp,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { initialParameters } from "../../mod.ts";
import config from "../../deno.json" with { type: "json" };
import { NAMED_DATASETS } from "../../src/data/catalog/named.ts";
import { inFolder, type Outcome, taskArguments } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";
import { runDeno } from "../helpers/package.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = await Deno.realPath(`${import.meta.dirname}/../..`);
const CLIENT = `${ROOT}/examples/least_permissions.ts`;
const CLI = `${ROOT}/src/cli/main.ts`;
const ROUNDS = 2;

/** Runs a server and one client, which is told the server's address, in a process of its own. */
async function withServer(
  inputShape: number[],
  client: (address: string) => Promise<Outcome>,
  schema?: Schema,
): Promise<{ outcome: Outcome; report: RunReport }> {
  const model = mlp({ inputShape, numClasses: 10 });
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    model,
    ...(schema && { schema }),
  });
  let running: Promise<Outcome> | undefined;
  const stop = new AbortController();
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: ROUNDS,
    logger: silentLogger,
    onEvent(event) {
      if (event.type !== "listening") return;
      running = client(event.address).then((outcome) => {
        // The server would wait for it.
        if (outcome.code !== 0) stop.abort(new Error(`The client failed: ${outcome.stderr}`));
        return outcome;
      });
    },
  });
  const report = await server.run({ signal: stop.signal });
  const outcome = await running;
  if (outcome === undefined) throw new Error("The server never listened");
  return { outcome, report };
}

/** The number of updates of each round. */
function taken(report: RunReport): unknown {
  return report.rounds.map(({ received }) => received);
}

Deno.test("NativeSGDHandler's client with embedded data needs the server's address alone", () =>
  inFolder(async (folder) => {
    const { outcome, report } = await withServer(
      [8, 8, 1],
      (address) =>
        runDeno(["run", "--no-prompt", `--allow-net=${address}`, CLIENT, address], folder),
    );
    assertEquals(taken(report), [1, 1]);
    assertMatch(outcome.stdout, /^(loss \d\.\d{3}\n){2}$/);
    assertEquals(await entries(folder), []);
  }));

Deno.test("NativeSGDHandler's client with data in a file needs to read that file, and no other", () =>
  inFolder(async (folder) => {
    const { train } = await loadDataset("digits");
    const rows = Array.from({ length: 300 }, (_, i) => {
      const features = train.features.subarray(i * 64, (i + 1) * 64);
      return [...features, train.labels[i]].join();
    });
    const header = Array.from({ length: 64 }, (_, i) => `p${i}`).join();
    const path = `${folder}/own.csv`;
    await Deno.writeTextFile(path, `${header},digit\n${rows.join("\n")}\n`);
    const { schema } = (await loadDataset(path)).train;
    const { report } = await withServer([64], (address) => {
      const flags = ["--no-prompt", `--allow-net=${address}`, `--allow-read=${path}`];
      return runDeno(["run", ...flags, CLIENT, address, path], folder);
    }, schema);
    assertEquals(taken(report), [1, 1]);
  }));

Deno.test("client without the permission to write goes on without its log file, and says so once", () =>
  inFolder(async (folder) => {
    const { outcome, report } = await withServer([8, 8, 1], (address) =>
      runDeno(
        ["run", "--no-prompt", `--allow-net=${address}`, CLI, "client", "--server", address],
        folder,
      ));
    assertEquals(taken(report), [1, 1]);
    const [warning, ...others] = outcome.stderr.split("\n").filter((line) =>
      /log file|Cannot/.test(line)
    );
    assertMatch(`${warning}`, /^Cannot write log\/clientLog.*\.txt, .*--allow-write=log$/);
    assertEquals(others, []);
    assertEquals(await entries(folder), []);
  }));

/** Last line of each command that lacks a permission. */
const LACKS: Readonly<Record<string, { flags: string[]; args: string[]; says: string }>> = {
  "client without --allow-net": {
    flags: [],
    args: ["client", "--server", "127.0.0.1:9000"],
    says: "--allow-net=127.0.0.1:9000",
  },
  "client without --allow-read of its data": {
    flags: ["--allow-net"],
    args: ["client", "--data", "own.csv"],
    says: "--allow-read=own.csv",
  },
  "client without --allow-write of its report": {
    flags: ["--allow-net"],
    args: ["client", "--json", "report.json"],
    says: "--allow-write=report.json",
  },
  "client with a module without --allow-run": {
    flags: ["--allow-net", "--allow-read"],
    args: ["client", "--module", "own.ts"],
    says: "--allow-run=deno",
  },
  "server without --allow-write": {
    flags: ["--allow-net"],
    args: ["server", "--world-size", "2"],
    says: "--allow-write=runs",
  },
  "server without --allow-read": {
    flags: ["--allow-net", "--allow-write"],
    args: ["server", "--world-size", "2"],
    says: "--allow-read=runs",
  },
  "server without --allow-net": {
    flags: ["--allow-write", "--allow-read"],
    args: ["server", "--world-size", "2", "--listen", "127.0.0.1:9000"],
    says: "--allow-net=127.0.0.1:9000",
  },
  "demo without --allow-write": { flags: [], args: ["demo"], says: "--allow-write=runs" },
  "demo without --allow-write of its folder": {
    flags: [],
    args: ["demo", "--out", "own"],
    says: "--allow-write=own",
  },
  "demo without --allow-net": {
    flags: ["--allow-write"],
    args: ["demo"],
    says: "--allow-net=127.0.0.1",
  },
  "demo over WebSockets without --allow-net": {
    flags: ["--allow-write"],
    args: ["demo", "--transport", "websocket"],
    says: "--allow-net=127.0.0.1",
  },
  "server over WebSockets without --allow-net": {
    flags: ["--allow-write", "--allow-read"],
    args: ["server", "--world-size", "2", "--listen", "ws://127.0.0.1:9000/federation"],
    says: "--allow-net=127.0.0.1:9000",
  },
  "demo without --allow-read of its workers": {
    flags: ["--allow-write", "--allow-net"],
    args: ["demo"],
    says: `--allow-read=${ROOT}/`,
  },
  "keygen without --allow-write": {
    flags: [],
    args: ["keygen", "--out", "own.key"],
    says: "--allow-write=own.key",
  },
  "partition without --allow-write": {
    flags: [],
    args: ["partition", "--json", "report.json"],
    says: "--allow-write=report.json",
  },
};

for (const [command, { flags, args, says }] of Object.entries(LACKS)) {
  Deno.test(`${command} ends with a line that names the flag`, () =>
    inFolder(async (folder) => {
      const { code, stderr } = await runDeno(
        ["run", "--no-prompt", ...flags, CLI, ...args],
        folder,
      );
      assertEquals(code, 1);
      const last = stderr.trim().split("\n").at(-1) ?? "";
      assertMatch(last, /^error: /);
      assertStringIncludes(`${last} `, `run Deno with ${says} `);
    }));
}

Deno.test("simulate needs to read no run when it keeps none, and leaves no folder when it may not", () =>
  inFolder(async (folder) => {
    const simulate = (args: string[]) => {
      const flags = ["--no-prompt", `--allow-read=${ROOT}/`, "--allow-write=runs"];
      const small = ["--clients", "2", "--rounds", "1", "--model", "lr", "--workers", "1"];
      return runDeno(["run", ...flags, CLI, "simulate", ...small, ...args], folder);
    };
    const { code, stderr } = await simulate(["--checkpoint-every", "1"]);
    assertEquals(code, 1);
    assertEquals(stderr, "error: Cannot read runs: run Deno with --allow-read=runs\n");
    assertEquals(await entries(folder), []);
    assertEquals((await simulate([])).code, 0);
  }));

/** Flags that give everything of their kind. */
const UNLIMITED = /^(-A|--allow-all|--allow-(write|run|env|ffi|sys|import))$/;

Deno.test("tasks of commands write, run and read the environment within limits, ask nothing and leave the lock file", () => {
  const commands = ["demo", "server", "client", "client:module", "keygen", "partition", "simulate"];
  for (
    const task of [
      ...[...commands, "reproduce", "plot", "predict", "evaluate", "export", "generate"],
    ] as (keyof typeof config.tasks)[]
  ) {
    const flags = taskArguments(task, {});
    assertEquals(flags.filter((flag) => UNLIMITED.test(flag)), [], task);
    for (const flag of ["--no-prompt", "--frozen"]) assert(flags.includes(flag), `${task} ${flag}`);
  }
});

Deno.test("tasks that fetch data sets may reach their homes and write their folders", async () => {
  for (const task of ["partition", "simulate", "reproduce", "server", "client"] as const) {
    const text = config.tasks[task].command;
    for (const { homes, folder } of NAMED_DATASETS.values()) {
      assertStringIncludes(text, `$FEDLAB_DATA/${folder}`);
      if (/--allow-net(?!=)/.test(text)) continue;
      for (const home of homes) assertStringIncludes(text, new URL(home).host);
    }
  }
  await inFolder(async (folder) => {
    const script = `for (const path of Deno.args) {
  console.log((await Deno.permissions.query({ name: "write", path })).state);
}`;
    await Deno.writeTextFile(`${folder}/query.ts`, script);
    const { command } = config.tasks.simulate;
    const task = command.replace("src/cli/main.ts simulate", "query.ts");
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ tasks: { task } }));
    await Deno.writeTextFile(`${folder}/deno.lock`, JSON.stringify({ version: "5" }));
    const paths = ["runs/x", "home/.cache/fedlab/mnist", "a b/mnist/x", "a b", "x", "/", "home"];
    const env = { HOME: `${folder}/home`, FEDLAB_DATA: `${folder}/a b` };
    const { stdout, stderr } = await runDeno(["task", "task", ...paths], folder, env);
    const [no, yes] = ["prompt", "granted"];
    assertEquals(stdout.trim().split("\n"), [yes, yes, yes, no, no, no, no], stderr);
  });
});

Deno.test("a task says how to write elsewhere than it may", () =>
  inFolder(async (folder) => {
    const flags = taskArguments("simulate").map((arg) =>
      arg.startsWith("src/") ? `${ROOT}/${arg}` : arg
    );
    for (const option of ["--json", "--csv", "--out", "--tensorboard"]) {
      const args = ["--clients", "2", "--rounds", "1", "--workers", "1", option, "elsewhere"];
      const { code, stderr } = await runDeno([...flags, ...args], folder);
      assertEquals(code, 1);
      assertEquals(
        stderr.trim().split("\n").at(-1),
        "error: Cannot write elsewhere: run Deno with --allow-write=elsewhere in place of the task (deno run … src/cli/main.ts …), or name a path in runs",
      );
    }
  }));

Deno.test("a task that writes in its folder alone says so", () =>
  inFolder(async (folder) => {
    const flags = taskArguments("schema").map((arg) =>
      arg.startsWith("src/") ? `${ROOT}/${arg}` : arg
    );
    await Deno.writeTextFile(`${folder}/ward.csv`, "age,ill\n63,yes\n41,no\n");
    const args = ["--data", "ward.csv", "--out", "../schema.json"];
    const { code, stderr } = await runDeno([...flags, ...args], folder);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: Cannot write .* or name a path in this folder$/m);
  }));

/** Finds a command of README.md, with its addresses and folders replaced. */
async function readmeCommand(name: string, replace: Record<string, string>): Promise<string[]> {
  const readme = (await Deno.readTextFile(`${ROOT}/README.md`)).replaceAll("\\\n", " ");
  const pattern = new RegExp(`^deno (run .* src/cli/main\\.ts ${name} .*)$`, "m");
  let [, command = ""] = pattern.exec(readme) ?? [];
  for (const [from, to] of Object.entries(replace)) command = command.replaceAll(from, to);
  return command.split(/\s+/);
}

Deno.test("README.md's flags suffice for a server and its clients, with keys, TLS and data of their own", () =>
  inFolder(async (folder) => {
    const address = `127.0.0.1:${freePort()}`;
    const tls = `${ROOT}/tests/fixtures/tls`;
    const table = "a,b,kind\n1,2,x\n2,1,y\n3,2,x\n4,0,y\n";
    const folders = ["server", "one", "two"].map((name) => `${folder}/${name}`);
    for (const own of folders) {
      await Deno.mkdir(own);
      for (const name of ["server.pem", "server.key", "ca.pem"]) {
        await Deno.copyFile(`${tls}/${name}`, `${own}/${name}`);
      }
      for (const name of ["ward.csv", "sample.csv"]) {
        await Deno.writeTextFile(`${own}/${name}`, table);
      }
    }
    const [ofServer = "", ...ofClients] = folders;
    for (const own of ofClients) {
      const keygen = [...taskArguments("keygen"), "--out", "one.key"].map((arg) =>
        arg.startsWith("src/") ? `${ROOT}/${arg}` : arg
      );
      const { stdout, stderr } = await runDeno(keygen, own);
      assertMatch(stdout, /^[\w-]+\n$/, stderr);
      await Deno.writeTextFile(`${ofServer}/allowed.keys`, stdout, { append: true });
    }
    const replace = { "src/cli/main.ts": CLI, "0.0.0.0:9000": address };
    const server = await readmeCommand("server", replace);
    const client = await readmeCommand("client", { ...replace, "fl.example.org:9000": address });
    const outcomes = await Promise.all([
      runDeno(server, ofServer),
      ...ofClients.map((own) => runDeno(client, own)),
    ]);
    for (const { code, stderr } of outcomes) {
      assertEquals(code, 0, stderr);
      assert(!/Cannot|Requires/.test(stderr), stderr);
    }
    for (const own of ofClients) {
      assertEquals((await entries(`${own}/log`)).length, 1);
    }
  }));

async function entries(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}
