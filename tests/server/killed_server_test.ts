import { assertEquals } from "jsr:@std/assert@1.0.19";
import type { LiveFigures } from "../../bench/processes/live_server.ts";
import { ClientSyncTop, silentLogger } from "../../mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { freePort } from "../helpers/free_port.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CLIENTS = 1000, VALUES = 100, ROUNDS = 6;

/**
 * Runs the server's process until it ends or prints a line, after which it is killed. Returns the
 * last line.
 */
async function serve(
  address: string,
  folder: string,
  killAt: string | undefined,
  onLine: (line: string) => void,
): Promise<string> {
  const module = new URL("../../bench/processes/live_server.ts", import.meta.url).href;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", module, address, `${CLIENTS}`, `${VALUES}`, `${ROUNDS}`]
      .concat(folder),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let last = "", rest = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (last of lines) {
      onLine(last);
      if (last === killAt) process.kill("SIGKILL");
    }
  }
  await process.status;
  return last;
}

/** Runs a federation whose server is killed after each of these rounds; returns its figures. */
async function federate(kills: readonly number[]): Promise<LiveFigures> {
  const folder = await Deno.makeTempDir();
  const serverAddr = `127.0.0.1:${freePort()}`;
  const manifest = vectorManifest(VALUES);
  let clients: Promise<void>[] = [];
  const start = (line: string) => {
    if (line !== serverAddr || clients.length > 0) return;
    clients = Array.from({ length: CLIENTS }, (_, i) => {
      const step = (vector: Float32Array) => vector.forEach((x, at) => vector[at] = x + i % 7);
      return new ClientSyncTop(new FakeHandler(manifest, { numSamples: 1 + i % 5, step }), {
        serverAddr,
        rank: i + 1,
        logger: silentLogger,
      }).run();
    });
  };
  try {
    for (const round of kills) await serve(serverAddr, folder, `round ${round}`, start);
    const line = await serve(serverAddr, folder, undefined, start);
    await Promise.all(clients);
    return JSON.parse(line);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("1,000 clients come back to a server that was killed twice, and none of their updates is lost or counted twice", async () => {
  const undisturbed = await federate([]);
  assertEquals(undisturbed.received, CLIENTS);
  const { model, received } = await federate([2, 4]);
  assertEquals({ model, received }, { model: undisturbed.model, received: CLIENTS });
});
