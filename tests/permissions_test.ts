import { assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import {
  loadDataset,
  mlp,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../mod.ts";
import { initialParameters } from "../src/train/tfjs/mod.ts";
import { inFolder, type Outcome } from "./_command.ts";
import { runDeno } from "./_package.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = await Deno.realPath(`${import.meta.dirname}/..`);
const CLIENT = `${ROOT}/examples/least_permissions.ts`;
const CLI = `${ROOT}/src/cli/main.ts`;
const ROUNDS = 2;

/** Runs a server and one client, which is told the server's address, in a process of its own. */
async function withServer(
  inputShape: number[],
  client: (address: string) => Promise<Outcome>,
): Promise<{ outcome: Outcome; report: RunReport }> {
  const model = mlp({ inputShape, numClasses: 10 });
  const handler = new SyncParameterServerHandler({ ...await initialParameters(model, 1), model });
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
    const { report } = await withServer([64], (address) => {
      const flags = ["--no-prompt", `--allow-net=${address}`, `--allow-read=${path}`];
      return runDeno(["run", ...flags, CLIENT, address, path], folder);
    });
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

/** What each command says that lacks a permission, as the last line. */
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

async function entries(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}
