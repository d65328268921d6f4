import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import type { RunReport } from "../../mod.ts";
import { inFolder, type RunningCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const TLS = `${import.meta.dirname}/../fixtures/tls`;
/** Number of rounds of a run that goes on until it is stopped. */
const ROUNDS = "100000";
const SERVER = [
  ...["--listen", "127.0.0.1:0", "--world-size", "3", "--rounds", ROUNDS, "--model", "lr"],
  ...["--out", "run", "--allow-keys", "allowed"],
];

/** Makes keys `k0`, `k1`, …, and returns their lines. */
async function makeKeys(count: number, folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (let n = 0; n < count; n++) {
    const { code, stdout, stderr } = await startCommand("keygen", [
      "--out",
      `k${n}`,
      "--name",
      `ward ${n}`,
    ], folder).outcome;
    assertEquals(code, 0, stderr);
    lines.push(stdout.trim());
  }
  return lines;
}

function startClient(
  address: string,
  key: number,
  folder: string,
  args: string[] = [],
): RunningCommand {
  return startCommand("client", [
    ...["--server", address, "--key", `k${key}`, "--part", `${key % 2 + 1}/2`],
    ...args,
  ], folder);
}

/** Ends all processes of the test. */
async function end(...commands: RunningCommand[]): Promise<void> {
  for (const { process } of commands) {
    try {
      process.kill("SIGKILL");
    } catch { /* it has ended */ }
  }
  await Promise.all(commands.map(({ outcome }) => outcome));
}

async function auditOf(folder: string): Promise<Record<string, unknown>[]> {
  const text = await Deno.readTextFile(`${folder}/run/audit.jsonl`);
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("after kill -9 and --resume each key still has its own rank", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/allowed`, (await makeKeys(3, folder)).join("\n"));
    const started: RunningCommand[] = [];
    const start = <Command extends RunningCommand>(command: Command): Command => {
      started.push(command);
      return command;
    };
    try {
      const server = start(startCommand("server", SERVER, folder));
      const [, first = ""] = await server.said(/Listening on tcp (\S+)/);
      const clients = [0, 1].map((key) =>
        start(startClient(first, key, folder, ["--rank", `${key + 1}`]))
      );
      await server.said(/Round 2 of/);
      await end(server, ...clients);

      const resumed = start(startCommand("server", ["--resume", "run"], folder));
      const [, address = ""] = await resumed.said(/Listening on tcp (\S+)/);
      for (const args of [["--rank", "1"], ["--rank", "2"], []]) {
        const { code, stderr } = await start(startClient(address, 2, folder, args)).outcome;
        assertEquals(code, 1);
        assertMatch(stderr, /kept for another client|kept for other keys/);
      }
      // New processes, which have no session token and ask for no rank.
      const back = [1, 0].map((key) => start(startClient(address, key, folder)));
      assertMatch((await back[0]?.said(/Joined .* as rank (\d)/))?.[1] ?? "", /2/);
      assertMatch((await back[1]?.said(/Joined .* as rank (\d)/))?.[1] ?? "", /1/);
      await resumed.said(/Round [3-9]\d* of/);
      const twin = await start(startClient(address, 0, folder)).outcome;
      assertEquals(twin.code, 1);
      assertMatch(twin.stderr, /another process with this key has rank 1, and is alive/);
      resumed.process.kill("SIGTERM");
      assertEquals((await resumed.outcome).code, 143);
      assertEquals(await Promise.all(back.map(async ({ outcome }) => (await outcome).code)), [
        0,
        0,
      ]);

      const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
      assertEquals(report.members?.map(({ rank, name }) => [rank, name]), [
        [1, "ward 0"],
        [2, "ward 1"],
      ]);
      assert(report.members?.every(({ received }) => received === report.rounds.length));
      const audit = await auditOf(folder);
      const count = (type: string) => audit.filter((line) => line.type === type).length;
      assertEquals(["opened", "client-joined", "client-refused"].map(count), [2, 4, 4]);
      assertEquals(["stopped", "finished"].map(count), [1, 0]);
      const log = await Deno.readTextFile(`${folder}/log/serverLog.txt`);
      assertEquals(log.match(/The log of process \d+ begins/g)?.length, 2);
      assertMatch(log, /Round 1 of[^]*begins[^]*Rank 1 joined from \S+ \S+ .*"ward 0", SHA256:/);
    } finally {
      await end(...started);
    }
  }));

Deno.test("a restarted process replaces one that hangs, which does not reclaim its rank when it continues", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/allowed`, (await makeKeys(2, folder)).join("\n"));
    const server = startCommand("server", [
      ...SERVER,
      ...["--heartbeat-seconds", "0.3", "--round-seconds", "60"],
    ], folder);
    const started = [server];
    try {
      const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
      const [first, other] = [0, 1].map((key) => startClient(address, key, folder));
      assert(first && other);
      started.push(first, other);
      await server.said(/Round 1 of/);
      first.process.kill("SIGSTOP");
      const anew = startClient(address, 0, folder);
      started.push(anew);
      await anew.said(/Joined .* as rank/);
      first.process.kill("SIGCONT");
      const { code, stderr } = await first.outcome;
      assertEquals(code, 1);
      assertMatch(stderr, /another process with this key has rank \d, and is alive/);
      server.process.kill("SIGTERM");
      const outcomes = await Promise.all([server, anew, other].map(({ outcome }) => outcome));
      assertEquals(outcomes.map(({ code }) => code), [143, 0, 0]);
    } finally {
      await end(...started);
    }
  }));

Deno.test("SIGHUP reloads the list: revoked keys are dropped and stay out, an invalid list changes nothing", () =>
  inFolder(async (folder) => {
    const lines = await makeKeys(3, folder);
    const write = (...lines: string[]) =>
      Deno.writeTextFile(`${folder}/allowed`, `${lines.join("\n")}\n`);
    await write(...lines.slice(0, 2));
    const server = startCommand("server", SERVER, folder);
    const started = [server];
    try {
      const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
      const clients = [0, 1].map((key) => startClient(address, key, folder));
      started.push(...clients);
      await server.said(/Round 1 of/);

      await write("no key");
      server.process.kill("SIGHUP");
      await server.said(
        /ERROR .*line 1: expected a public key.*the list that was read before stays/,
      );

      await write(lines[0] ?? "", lines[2] ?? "");
      server.process.kill("SIGHUP");
      await server.said(
        /1 added \(SHA256:\S+ "ward 2"\), 1 struck off \(SHA256:\S+ "ward 1"\), 0 ch/,
      );
      const struck = await clients[1]?.outcome;
      assertEquals(struck?.code, 1);
      assertMatch(struck?.stderr ?? "", /Cannot stay: the key \S+ is not among those/);
      const again = startClient(address, 1, folder);
      started.push(again);
      assertEquals((await again.outcome).code, 1);
      const next = startClient(address, 2, folder);
      started.push(next);
      await next.said(/Joined .* as rank/);

      server.process.kill("SIGTERM");
      const outcomes = await Promise.all([server, next].map(({ outcome }) => outcome));
      assertEquals(outcomes.map(({ code }) => code), [143, 0]);
      const changes = (await auditOf(folder)).filter(({ type }) => type === "keys-changed");
      assertEquals(changes.length, 1);
    } finally {
      await end(...started);
    }
  }));

Deno.test("SIGHUP has no effect on a server without keys, and stops a client in order", () =>
  inFolder(async (folder) => {
    const args = SERVER.filter((arg) => !["--allow-keys", "allowed"].includes(arg));
    const server = startCommand("server", args, folder);
    const started = [server];
    try {
      const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
      const clients = [1, 2].map((rank) =>
        startCommand("client", ["--server", address, "--rank", `${rank}`], folder)
      );
      started.push(...clients);
      await server.said(/Round 1 of/);
      server.process.kill("SIGHUP");
      await server.said(/SIGHUP: there is no list of keys to read again/);
      clients[0]?.process.kill("SIGHUP");
      assertEquals((await clients[0]?.outcome)?.code, 129);
      await server.said(/Lost rank 1: the client was stopped/);
      server.process.kill("SIGTERM");
      assertEquals((await server.outcome).code, 143);
    } finally {
      await end(...started);
    }
  }));

Deno.test({
  name: "a server warns about a TLS key that others can read, and about no other",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      for (const mode of [0o600, 0o666]) {
        await Deno.copyFile(`${TLS}/server.key`, `${folder}/server.key`);
        await Deno.chmod(`${folder}/server.key`, mode);
        const server = startCommand("server", [
          ...["--listen", "127.0.0.1:0", "--world-size", "2"],
          ...["--tls-cert", `${TLS}/server.pem`, "--tls-key", "server.key"],
        ], folder);
        await server.said(/Listening on tls/);
        server.process.kill("SIGTERM");
        const { stderr } = await server.outcome;
        const warning =
          "The private key server.key may be read by others (mode 0666): run chmod 600 server.key";
        assertEquals(stderr.includes(warning), mode === 0o666);
      }
    }),
});
