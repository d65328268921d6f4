import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { CheckpointStore, type RunReport } from "../../mod.ts";
import { inFolder, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Arguments of a shell that runs Deno with a limit of file descriptors. */
function limited(descriptors: number, args: string[]): string[] {
  return ["-c", `ulimit -n ${descriptors}; exec "$0" "$@"`, Deno.execPath(), "run", "-A", ...args];
}

async function saveExhausted(folder: string, ...hold: string[]): Promise<string[]> {
  const program = `${import.meta.dirname}/../fixtures/exhausted_writer.ts`;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: limited(40, ["--no-lock", "--no-check", program, folder, ...hold]),
  }).output();
  const text = new TextDecoder();
  assertEquals(text.decode(stderr), "");
  return text.decode(stdout).trim().split("\n");
}

Deno.test({
  name: "CheckpointStore that holds descriptors saves when all others are taken, again and again",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const [first, ...without] = await saveExhausted(`${folder}/without`);
      assertEquals(first, "saved 1");
      for (const line of without) {
        assertMatch(line, /^Cannot save checkpoint .*Too many open files/);
      }
      const held = await saveExhausted(`${folder}/held`, "hold");
      assertEquals(held, [1, 2, 3, 4, 5, 6].map((round) => `saved ${round}`));
      const latest = await new CheckpointStore(`${folder}/held`).latest();
      assertEquals([latest?.round, latest?.history?.length], [6, 6]);
      assertEquals(await namesIn(`${folder}/held`), [
        "history.jsonl",
        "round-000006.safetensors",
      ]);
    }),
});

async function namesIn(folder: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return names.filter((name) => !/00000[1-5]/.test(name)).sort();
}

/** Keeps a number of connections open until disposed of. */
class Strangers implements AsyncDisposable {
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>[];
  #isOver = false;

  constructor(port: number, count: number) {
    this.#running = Array.from({ length: count }, () => this.#come(port));
  }

  async #come(port: number): Promise<void> {
    for (let times = 0; times < 200 && !this.#isOver; times++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
      if (connection === undefined) return;
      this.#connections.add(connection);
      await connection.read(new Uint8Array(1)).catch(() => {});
      // Disposal has closed it already.
      if (this.#connections.delete(connection)) connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    await Promise.all(this.#running);
  }
}

Deno.test({
  name: "a server whose descriptors strangers take keeps its run after each round, and ends well",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const main = `${import.meta.dirname}/../../src/cli/main.ts`;
      const server = new Deno.Command("sh", {
        args: limited(40, [
          ...[main, "server", "--listen", "127.0.0.1:0", "--world-size", "3", "--model", "lr"],
          ...["--rounds", "100", "--epochs", "10", "--save-tries", "1", "--out", "run"],
        ]),
        cwd: folder,
        stdout: "null",
        stderr: "piped",
        env: { NO_COLOR: "1" },
      }).spawn();
      let said = "";
      const { promise: listening, resolve } = Promise.withResolvers<number>();
      const { promise: begun, resolve: begins } = Promise.withResolvers<void>();
      const reading = (async () => {
        for await (const text of server.stderr.pipeThrough(new TextDecoderStream())) {
          said += text;
          const port = /Listening on tcp 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
          if (port !== undefined) resolve(Number(port));
          if (said.includes("Round 1 of")) begins();
        }
      })();
      const port = await Promise.race([listening, reading.then(() => 0)]);
      const clients = [1, 2].map((rank) =>
        startCommand("client", [
          ...["--server", `127.0.0.1:${port}`, "--rank", `${rank}`, "--part", `${rank}/2`],
        ], folder)
      );
      await Promise.race([begun, reading]);
      {
        await using _strangers = new Strangers(port, 80);
        const { code } = await server.status;
        await reading;
        assertEquals(code, 0, said);
      }
      assertEquals(said.includes("Cannot save"), false);
      // There were indeed no descriptors left.
      assertMatch(said, /Cannot accept clients for now: .*Too many open files/);
      for (const { outcome } of clients) assertEquals((await outcome).code, 0);
      const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
      assertEquals(report.rounds.length, 100);
      const latest = await new CheckpointStore(`${folder}/run/checkpoints`).latest();
      assert(latest?.round === 100);
    }),
});
