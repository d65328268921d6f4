import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import {
  Manifest,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { permissionFlags } from "../../src/cli/module/permissions.ts";
import { inFolder, type Outcome, type RunningCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = Manifest.of([{ name: "sum", shape: [1] }]);

/**
 * Source of a client's module that logs its process, runs code before it makes its handler, and
 * code in each round.
 */
function moduleText({ setUp = "", train = "" }: { setUp?: string; train?: string }): string {
  return `
import { ClientBackendHandler, defineClient, Manifest } from "@fedlab/core";

class Adder extends ClientBackendHandler {
  manifest = Manifest.of([{ name: "sum", shape: [1] }]);
  numSamples = 1;
  parameters = new Float32Array(1);
  async train(plan, signal) {
    ${train}
    return { numSamples: 1, steps: 1, loss: 0, metrics: {} };
  }
  evaluate() {
    return Promise.resolve({ numSamples: 1, loss: 0 });
  }
}

console.log(\`process \${Deno.pid}\`);
defineClient(async () => {
  ${setUp}
  return new Adder();
});
`;
}

const WAITS = `await new Promise((_, reject) =>
  signal.addEventListener("abort", () => reject(signal.reason)));`;

/** Runs the task's client with a module in the folder. */
async function startClient(
  folder: string,
  parts: Parameters<typeof moduleText>[0],
  args: string[],
): Promise<RunningCommand> {
  await Deno.writeTextFile(`${folder}/module.ts`, moduleText(parts));
  return startCommand("client:module", ["--module", "module.ts", ...args], folder);
}

/** Runs a server for one client, which starts once the server listens. */
async function withServer(
  start: (address: string, seen: (type: ServerEvent["type"]) => Promise<void>) => Promise<Outcome>,
): Promise<{ outcome: Outcome; report: RunReport | undefined }> {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(1),
  });
  const listening = Promise.withResolvers<string>();
  const seen = new Map<string, PromiseWithResolvers<void>>();
  const event = (type: string) => {
    const known = seen.get(type) ?? Promise.withResolvers<void>();
    seen.set(type, known);
    return known;
  };
  const stop = new AbortController();
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: 1,
    logger: silentLogger,
    timeouts: { drainSeconds: 0.2 },
    onEvent: (happened) => {
      if (happened.type === "listening") listening.resolve(happened.address);
      event(happened.type).resolve();
    },
  });
  const running = server.run({ signal: stop.signal }).catch(() => undefined);
  const outcome = await start(await listening.promise, (type) => event(type).promise);
  if (outcome.code !== 0) stop.abort();
  return { outcome, report: await running };
}

/** Returns `true` if a process runs. A zombie does not. */
async function isRunning(pid: string): Promise<boolean> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/^\d+ \(.*\) Z/.test(status);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits for the end of a process that is not a child of this one. */
async function endOf(pid: string): Promise<void> {
  for (let tries = 0; await isRunning(pid); tries++) {
    assert(tries < 200, `Expected process ${pid} to end`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Returns the last line of standard error. */
function lastLine({ stderr }: Outcome): string {
  return stderr.trim().split("\n").at(-1) ?? "";
}

const REFUSED: Readonly<Record<string, { does: string; needs: RegExp }>> = {
  "read a file": { does: `Deno.readTextFileSync("/etc/passwd");`, needs: /read=\/etc\/passwd$/ },
  "read its own folder": { does: `Deno.readTextFileSync("data.csv");`, needs: /read=data\.csv$/ },
  "write a file": {
    does: `Deno.writeTextFileSync("/tmp/taken", "");`,
    needs: /write=\/tmp\/taken$/,
  },
  "write the log": { does: `Deno.mkdirSync("log/own");`, needs: /write=log\/own$/ },
  "listen": { does: `Deno.listen({ port: 0 });`, needs: /net=0\.0\.0\.0:0$/ },
  "connect elsewhere": {
    does: `await Deno.connect({ hostname: "127.0.0.1", port: 2 });`,
    needs: /net=127\.0\.0\.1:2$/,
  },
  "fetch": { does: `await fetch("http://127.0.0.1:2/");`, needs: /net=127\.0\.0\.1:2$/ },
  "run a process": { does: `new Deno.Command("ls").spawn();`, needs: /run=ls$/ },
  "read the environment": { does: `Deno.env.get("HOME");`, needs: /env=HOME$/ },
  "ask for more": {
    does: `const { state } = await Deno.permissions.request({ name: "read" });
  if (state !== "granted") Deno.readTextFileSync("/etc/passwd");`,
    needs: /read=\/etc\/passwd$/,
  },
  "do more in a worker": {
    does: `const code = 'Deno.readTextFileSync("/etc/passwd"); postMessage("read");';
  const worker = new Worker("data:text/javascript," + encodeURIComponent(code), { type: "module" });
  await new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = (event) => { event.preventDefault(); reject(new Error(event.message)); };
  });`,
    needs: /read=\/etc\/passwd$/,
  },
};

for (const [what, { does, needs }] of Object.entries(REFUSED)) {
  Deno.test(`client --module may not ${what} by itself, and says what would grant it`, () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/data.csv`, "");
      const client = await startClient(folder, { setUp: does }, ["--server", "127.0.0.1:1"]);
      const outcome = await client.outcome;
      assertEquals(outcome.code, 1);
      assertMatch(lastLine(outcome), /^error: .*the module requires \w+ access to /);
      assertMatch(lastLine(outcome), /: add --module-allow /);
      assertMatch(lastLine(outcome), needs);
    }));
}

Deno.test("client --module refuses the same at the module's top level, before defineClient()", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/module.ts`, `Deno.readTextFileSync("/etc/passwd");`);
    const { outcome } = startCommand("client:module", ["--module", "module.ts"], folder);
    assertEquals((await outcome).code, 1);
    assertEquals(
      (await outcome).stderr,
      `error: Cannot run the module module.ts: the module requires read access to "/etc/passwd": add --module-allow read=/etc/passwd\n`,
    );
  }));

Deno.test("client --module-allow grants what it names; the command keeps log and report", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/data.csv`, "2,3");
    const parts = {
      setUp: `console.log(Deno.readTextFileSync("data.csv"), Deno.env.get("WARD"));`,
      train: `this.parameters[0] += 1;`,
    };
    const allow = ["--module-allow", "read=data.csv", "--module-allow", "env=WARD"];
    const { outcome, report } = await withServer(async (address) => {
      const args = ["--server", address, "--rank", "1", "--json", "c.json", ...allow];
      return await (await startClient(folder, parts, args)).outcome;
    });
    assertEquals(outcome.code, 0, outcome.stderr);
    assertMatch(outcome.stdout, /^process \d+\n2,3 undefined\n$/);
    assertEquals(report?.rounds.map(({ received }) => received), [1]);
    const { rank, rounds } = JSON.parse(await Deno.readTextFile(`${folder}/c.json`));
    assertEquals([rank, rounds.length], [1, 1]);
    const log = await Deno.readTextFile(`${folder}/log/clientLog1.txt`);
    assertMatch(log, /client-1 INFO Joined .* as rank 1/);
    assertMatch(log, /client-1 INFO Round 1: 1 steps on 1 samples/);
  }));

Deno.test("client --module keeps what the module prints off a report on standard output", () =>
  inFolder(async (folder) => {
    const { outcome } = await withServer(async (address) =>
      await (await startClient(folder, {}, ["--server", address, "--json", "-"])).outcome
    );
    assertEquals(JSON.parse(outcome.stdout).schema, "fedlab.client/1");
    assertMatch(outcome.stderr, /^process \d+$/m);
  }));

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} ends a client with a module, and the module's process with it`, () =>
    inFolder(async (folder) => {
      let pid = "";
      const { outcome } = await withServer(async (address, seen) => {
        const client = await startClient(folder, { train: WAITS }, ["--server", address]);
        [, pid = ""] = await client.said(/^process (\d+)$/m);
        await seen("round-started");
        client.process.kill(signal);
        // Like Ctrl-C in a terminal, which reaches both processes.
        if (signal === "SIGINT") Deno.kill(Number(pid), signal);
        await seen("client-lost");
        return await client.outcome;
      });
      assertEquals(outcome.code, code);
      assertEquals(lastLine(outcome), "stopped");
      await endOf(pid);
    }));
}

Deno.test("SIGINT ends a module that blocks its thread, after the drain time-out", () =>
  inFolder(async (folder) => {
    let pid = "";
    const { outcome } = await withServer(async (address) => {
      const train = `console.log("training"); for (;;);`;
      const client = await startClient(folder, { train }, ["--server", address]);
      [, pid = ""] = await client.said(/^process (\d+)$/m);
      await client.said(/^training$/m);
      client.process.kill("SIGINT");
      return await client.outcome;
    });
    assertEquals(outcome.code, 130);
    await endOf(pid);
  }));

Deno.test("a module's process that is killed ends its client with an error", () =>
  inFolder(async (folder) => {
    const { outcome } = await withServer(async (address, seen) => {
      const client = await startClient(folder, { train: WAITS }, ["--server", address]);
      const [, pid = ""] = await client.said(/^process (\d+)$/m);
      await seen("round-started");
      Deno.kill(Number(pid), "SIGKILL");
      return await client.outcome;
    });
    assertEquals(outcome.code, 1);
    assertEquals(
      lastLine(outcome),
      "error: Cannot run the module module.ts: its process was ended by SIGKILL",
    );
  }));

Deno.test("a module's process ends with its client, which tells the server", () =>
  inFolder(async (folder) => {
    let pid = "";
    await withServer(async (address, seen) => {
      const client = await startClient(folder, { train: WAITS }, ["--server", address]);
      [, pid = ""] = await client.said(/^process (\d+)$/m);
      await seen("round-started");
      client.process.kill("SIGKILL");
      const outcome = await client.outcome;
      await seen("client-lost");
      return outcome;
    });
    await endOf(pid);
  }));

const BROKEN: Readonly<Record<string, [text: string, says: string]>> = {
  "never calls defineClient()": [
    `console.log("nothing");`,
    "it ended with status 0 and never called defineClient()",
  ],
  "does not parse": [`const = 1;`, "Unexpected token"],
  "throws": [`throw new Error("no data");`, "no data"],
  "says what is no message": [
    `Deno.stdout.writeSync(new TextEncoder().encode('\\x1e{"fedlab":"message"}\\n'));
setTimeout(() => {}, 60_000);`,
    "expected a message of a client, got",
  ],
  "says without end": [
    `Deno.stdout.writeSync(new TextEncoder().encode("\\x1e"));
for (;;) Deno.stdout.writeSync(new Uint8Array(65536).fill(65));`,
    "expected messages of at most 1048576 characters, got more",
  ],
};

for (const [what, [text, says]] of Object.entries(BROKEN)) {
  Deno.test(`client with a module that ${what} ends with one line`, () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/module.ts`, text);
      const client = startCommand("client:module", ["--module", "module.ts"], folder);
      const { code, stderr } = await client.outcome;
      assertEquals(code, 1);
      assertEquals(stderr.trim().split("\n").length, 1, stderr);
      assertStringIncludes(stderr, `error: Cannot run the module module.ts: `);
      assertStringIncludes(stderr, says);
    }));
}

for (const setUp of ["await new Promise(() => {});", "for (;;);"]) {
  Deno.test(`client with a module that makes no handler ends in time: ${setUp}`, () =>
    inFolder(async (folder) => {
      // Long enough for the process to begin on a busy machine, and to say its number.
      const args = ["--server", "127.0.0.1:1", "--join-seconds", "5"];
      const outcome = await (await startClient(folder, { setUp }, args)).outcome;
      assertEquals(outcome.code, 1);
      assertEquals(
        lastLine(outcome),
        "error: Cannot run the module module.ts: it made no handler within 5 seconds (--join-seconds)",
      );
      const [, pid] = /^process (\d+)$/m.exec(outcome.stdout) ?? [];
      assert(pid !== undefined, `The module has not begun within 5 seconds: ${outcome.stdout}`);
      await endOf(pid);
    }));
}

Deno.test("client ignores unknown events of a module", () =>
  inFolder(async (folder) => {
    const setUp = `Deno.stdout.writeSync(new TextEncoder().encode(
      '\\x1e{"fedlab":"message","message":{"type":"later","round":1}}\\n'));`;
    const { outcome } = await withServer(async (address) =>
      await (await startClient(folder, { setUp }, ["--server", address, "--json", "-"])).outcome
    );
    assertEquals(outcome.code, 0, outcome.stderr);
    assertEquals(JSON.parse(outcome.stdout).rounds.length, 1);
  }));

Deno.test("permissionFlags() has the server's address, the code and what is granted, and all of a kind where that is asked for", () => {
  const flags = (address: string, ...granted: string[]) => {
    const url = new URL("https://code.example.org/m.ts");
    return permissionFlags(url, address, { code: ["/a/b.ts", "/c.ts"], granted });
  };
  const code = ["--allow-import=code.example.org,jsr.io", "--allow-read=/a/b.ts,/c.ts"];
  assertEquals(flags("a.example.org:9000"), ["--allow-net=a.example.org:9000", ...code]);
  assertEquals(flags("[::1]:9000"), ["--allow-net=[::1]:9000", ...code]);
  assertEquals(flags("ws://[::1]:9000/x"), ["--allow-net=[::1]:9000", ...code]);
  assertEquals(flags("wss://a.example.org/x"), ["--allow-net=a.example.org:443", ...code]);
  assertEquals(flags("a:1", "net=b:2", "read=x y,z"), [
    ...["--allow-net=a:1", ...code, "--allow-net=b:2", "--allow-read=x y,z"],
  ]);
  assertEquals(flags("a:1", "net", "import", "read"), [
    ...["--allow-net", "--allow-import", "--allow-read"],
  ]);
});

/** Imports of a module that are not code. */
const IMPORTS: Readonly<Record<string, { text: string; needs: string }>> = {
  "a text": {
    text: `import text from "/etc/passwd" with { type: "text" };\nconsole.log(text);`,
    needs: "/etc/passwd",
  },
  "JSON": {
    text: `import json from "./key.json" with { type: "json" };\nconsole.log(json);`,
    needs: "key.json",
  },
  "JSON while it runs": {
    text: `console.log(await import("./key.json", { with: { type: "json" } }));`,
    needs: "key.json",
  },
  "a text by a path that it makes": {
    text: `console.log(await import("/etc/" + "passwd", { with: { type: "text" } }));`,
    needs: "/etc/passwd",
  },
  "a text by way of another module": {
    text: `import "./other.ts";`,
    needs: "/etc/passwd",
  },
};

for (const [what, { text, needs }] of Object.entries(IMPORTS)) {
  Deno.test(`client --module may not import ${what} by itself`, () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/key.json`, `{"secret":1}`);
      const other = `import t from "/etc/passwd" with { type: "text" };\nconsole.log(t);`;
      await Deno.writeTextFile(`${folder}/other.ts`, other);
      await Deno.writeTextFile(`${folder}/module.ts`, text);
      const run = (...args: string[]) =>
        startCommand("client:module", ["--module", "module.ts", ...args], folder).outcome;
      const { code, stdout, stderr } = await run();
      assertEquals([code, stdout], [1, ""]);
      assertMatch(
        stderr,
        /^error: Cannot run the module module\.ts: the module requires read access/,
      );
      assertStringIncludes(stderr, `${needs}\n`);
      const path = needs.startsWith("/") ? needs : `${folder}/${needs}`;
      const granted = await run("--module-allow", `read=${path}`);
      assertMatch(granted.stdout, /root|secret/);
    }));
}

Deno.test("client --module refuses a path that Deno's flags cannot name", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/a,b`);
    await Deno.writeTextFile(`${folder}/a,b/module.ts`, `console.log("run");`);
    const { outcome } = startCommand("client:module", ["--module", "a,b/module.ts"], folder);
    const { code, stdout, stderr } = await outcome;
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      /^error: Cannot run the module a,b\/module\.ts: expected paths without commas/,
    );
  }));

Deno.test("client --module runs a module of several files, of which data are not code", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/parts`);
    await Deno.writeTextFile(`${folder}/parts/sum.ts`, `export const sum = (a: number) => a + 1;`);
    await Deno.writeTextFile(`${folder}/parts/more.js`, `export { sum } from "./sum.ts";`);
    const setUp = `const { sum } = await import("./parts/more.js"); console.log(sum(1));
  for (const path of ["parts/sum.ts", "parts/own.csv", "parts"]) {
    console.log((await Deno.permissions.query({ name: "read", path })).state);
  }`;
    const { outcome } = await withServer(async (address) =>
      await (await startClient(folder, { setUp }, ["--server", address])).outcome
    );
    assertEquals(outcome.code, 0, outcome.stderr);
    assertMatch(
      outcome.stdout,
      /^process \d+\n2\ngranted\n(?:denied|prompt)\n(?:denied|prompt)\n$/,
    );
  }));

Deno.test("client refuses permissions that are none, and permissions without a module", () =>
  inFolder(async (folder) => {
    const cases = [
      [["--module", "m.ts", "--module-allow", "all"], /Expected one of read, write, net,/],
      [["--module", "m.ts", "--module-allow", "read="], /Expected one of read, write, net,/],
      [["--module-allow", "read=x"], /expected --module with --module-allow/],
    ] as const;
    for (const [args, says] of cases) {
      const { code, stderr } = await startCommand("client:module", [...args], folder).outcome;
      assertEquals(code, 2);
      assertMatch(stderr, says);
    }
  }));
