import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  ClientSyncTop,
  Manifest,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { runtime } from "../../src/base/runtime/runtime.ts";
import { delay } from "../../src/base/time/delay.ts";
import { World, type WorldOptions } from "../../src/world/mod.ts";
import { FakeHandler } from "../helpers/fake_handler.ts";

/** A new manifest for each process: one keeps its digest. */
const manifestOf = () => Manifest.of([{ name: "w", shape: [8] }]);
const HOUR = 3_600_000;

function handlerOf(): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: manifestOf(),
    parameters: new Float32Array(8),
  });
}

/** Runs a federation in a world, and returns the world with the model's digest. */
async function federation(
  options: WorldOptions,
  { rounds = 5, clients = 3 } = {},
): Promise<{ world: World; digest: string }> {
  const world = new World(options);
  let digest = "", open = clients + 1;
  world.onEnd = () => open--;
  world.start(world.machine("server"), async ({ transport, log }) => {
    const handler = handlerOf();
    const server = new ServerSyncTop(handler, {
      ...{ distBackend: transport, listen: "server:9000", worldSize: clients + 1, rounds },
      logger: { ...silentLogger, info: log, warn: log },
    });
    digest = (await server.run()).modelDigest;
  });
  for (let rank = 1; rank <= clients; rank++) {
    world.start(world.machine(`client-${rank}`), async ({ transport, log, random }) => {
      const step = async (vector: Float32Array, _: unknown, signal?: AbortSignal) => {
        await delay(20_000 * random.uniform(), signal);
        vector.forEach((x, i) => vector[i] = x + rank);
      };
      const client = new ClientSyncTop(new FakeHandler(manifestOf(), { step }), {
        ...{ distBackend: transport, serverAddr: "server:9000", rank },
        logger: { ...silentLogger, info: log, warn: log },
      });
      await client.run();
    });
  }
  assertEquals(await world.run(() => open === 0, HOUR), "over");
  assertEquals(world.escapes, []);
  return { world, digest };
}

Deno.test("World: the same seed gives the same log, byte for byte, and another seed another", async () => {
  const logs: string[] = [];
  for (const seed of [1, 1, 2]) {
    const lines: string[] = [];
    const { world } = await federation({ seed, onLine: (line) => lines.push(line) });
    assertEquals(world.trace.lines, lines.length);
    logs.push(lines.join("\n"));
  }
  assertEquals(logs[0], logs[1]);
  assertNotEquals(logs[0], logs[2]);
  assertStringIncludes(logs[0] ?? "", "Round 5 of 5: 3 of 3 updates");
});

Deno.test("World: a run has the model that it has on this machine, in virtual time", async () => {
  const { world, digest } = await federation({ seed: 3 }, { rounds: 20, clients: 5 });
  const handler = handlerOf();
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const server = new ServerSyncTop(handler, {
    ...group,
    ...{ listen: "world test", worldSize: 6, rounds: 20 },
  });
  const clients = Array.from({ length: 5 }, (_, i) => {
    const step = (vector: Float32Array) => vector.forEach((x, j) => vector[j] = x + i + 1);
    return new ClientSyncTop(new FakeHandler(manifestOf(), { step }), {
      ...group,
      ...{ serverAddr: "world test", rank: i + 1 },
    });
  });
  const [report] = await Promise.all([server.run(), ...clients.map((client) => client.run())]);
  assertEquals(digest, report.modelDigest);
  // Twenty rounds, each as long as the slowest of five trainings.
  assert(world.now > 20 * 10_000, `${world.now} ms`);
});

Deno.test("World: a killed process gets no further turn", async () => {
  const world = new World({ seed: 1 });
  const seen: string[] = [];
  const process = world.start(world.machine("a"), async () => {
    try {
      for (;;) {
        await delay(1000);
        seen.push("tick");
      }
    } finally {
      seen.push("cleaned up");
    }
  });
  world.scheduler.after(3500, () => process.kill());
  assertEquals(await world.run(() => false, 10_000), "idle");
  assertEquals(seen, ["tick", "tick", "tick"]);
  assertEquals(process.end, { by: "kill" });
});

Deno.test("World: a paused process gets what was due when it goes on, in order", async () => {
  const world = new World({ seed: 1 });
  const seen: string[] = [];
  const process = world.start(world.machine("a"), async () => {
    const start = runtime.clock.now();
    for (const millis of [1000, 2000, 3000, 9000]) {
      runtime.timers.setTimeout(() => {
        seen.push(`${millis} at ${runtime.clock.now() - start}`);
      }, millis);
    }
    const cancelled = runtime.timers.setTimeout(() => seen.push("cancelled"), 3500);
    runtime.timers.setTimeout(() => runtime.timers.clearTimeout(cancelled), 2500);
    await delay(10_000);
  });
  world.scheduler.after(1500, () => process.pause());
  world.scheduler.after(5000, () => process.resume());
  await world.run(() => process.end !== undefined);
  assertEquals(seen, ["1000 at 1000", "2000 at 5000", "3000 at 5000", "9000 at 9000"]);
});

Deno.test("World: an error that nothing catches ends its process alone", async () => {
  const world = new World({ seed: 1 });
  const ends: string[] = [];
  world.onEnd = ({ name }, { by, error }) => ends.push(`${name} ${by} ${error ?? ""}`.trim());
  world.start(world.machine("a"), async () => {
    void Promise.reject(new Error("nobody waits for this"));
    await delay(1000);
  });
  world.start(world.machine("b"), async () => await delay(2000));
  world.start(world.machine("c"), async () => {
    await delay(500);
    throw new Error("of the main function");
  });
  await world.run(() => ends.length === 3);
  assertEquals(ends, [
    "a crash nobody waits for this",
    "c error of the main function",
    "b return",
  ]);
});

Deno.test("World: keys, digests and random values are the same again", async () => {
  const made: string[][] = [];
  for (let i = 0; i < 2; i++) {
    const world = new World({ seed: 5 });
    const values: string[] = [];
    world.start(world.machine("a"), async () => {
      const { subtle } = runtime.crypto;
      const pair = await subtle.generateKey("X25519", true, ["deriveBits"]) as CryptoKeyPair;
      const signing = await subtle.generateKey("Ed25519", false, [
        "sign",
        "verify",
      ]) as CryptoKeyPair;
      const text = new TextEncoder().encode("a text");
      const signature = await subtle.sign("Ed25519", signing.privateKey, text);
      assert(await subtle.verify("Ed25519", signing.publicKey, signature, text));
      values.push(
        new Uint8Array(await subtle.exportKey("raw", pair.publicKey)).toHex(),
        new Uint8Array(signature).toHex(),
        runtime.random.randomUUID(),
        new Uint8Array(await subtle.digest("SHA-256", text)).toHex(),
      );
    });
    assertEquals(await world.run(() => values.length === 4), "over");
    assertEquals(world.escapes, []);
    made.push(values);
  }
  assertEquals(made[0], made[1]);
});
