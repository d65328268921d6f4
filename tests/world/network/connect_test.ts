import { assert, assertEquals } from "@std/assert";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { delay } from "../../../src/base/time/delay.ts";
import type { Channel } from "../../../src/net/transport.ts";
import { type ProcessContext, World } from "../../../src/world/mod.ts";
import { outcomeOf } from "./rows.ts";
import { forever } from "./two_machines.ts";

const ADDRESS = "b:9000";
const REFUSED = `Cannot connect to ${ADDRESS}: no server answers there`;
const TIMED_OUT = `Cannot connect to ${ADDRESS}: Connection timed out (os error 110)`;
const RESET = "Connection reset by peer (os error 104)";

/** Connects a process after a second, and tells the outcome of that and of a read, with the times. */
async function connecting(
  prepare: (world: World) => void,
  { address = ADDRESS, signal }: { address?: string; signal?: () => AbortSignal } = {},
): Promise<{ seen: string[]; world: World }> {
  const world = new World({ seed: 1 });
  const seen: string[] = [];
  prepare(world);
  world.start(world.machine("a"), async ({ transport }) => {
    await delay(1000);
    const see = async (call: Promise<unknown>) =>
      seen.push(`${await outcomeOf(call)} at ${Math.round(runtime.clock.now() / 1000)}`);
    const connected = transport.connect(address, signal && { signal: signal() });
    await see(connected.then(() => "connected"));
    const channel = await connected.catch(() => undefined);
    if (channel !== undefined) await see(channel.read(new Uint8Array(9)));
  });
  await world.run(() => false);
  assertEquals(world.escapes, []);
  return { seen, world };
}

/** Listens, and does something with what is accepted. */
function listening(act: (channel: Channel | null) => Promise<void> = forever) {
  return async ({ transport }: ProcessContext) => {
    const listener = await transport.listen(ADDRESS);
    await act(await listener.accept());
  };
}

const serve = (world: World) => world.start(world.machine("b"), listening());

Deno.test("connect() to a closed port is refused after one round trip", async () => {
  const { seen } = await connecting((world) => void world.machine("b"));
  assertEquals(seen, [`${REFUSED} at 1`]);
});

Deno.test("connect() to a machine that is off, or over a cut link, times out after 127 s", async () => {
  const cases: ((world: World) => void)[] = [
    (world) => {
      serve(world);
      world.scheduler.after(500, () => world.powerOff(world.machine("b")));
    },
    (world) => (serve(world), world.network.setLink("a", "b", { isCut: true })),
    (world) => (serve(world), world.network.setLink("b", "a", { isCut: true })),
  ];
  for (const prepare of cases) {
    const { seen } = await connecting(prepare);
    assertEquals(seen, [`${TIMED_OUT} at 128`]);
  }
});

Deno.test("connect() over a link that heals succeeds at the next attempt", async () => {
  for (const [from, to] of [["a", "b"], ["b", "a"]] as const) {
    const { seen } = await connecting((world) => {
      world.start(world.machine("b"), listening((channel) => Promise.resolve(channel?.close())));
      world.network.setLink(from, to, { isCut: true });
      world.scheduler.after(10_000, () => world.network.setLink(from, to, undefined));
    });
    // Attempts begin 0, 1, 3, 7 and 15 seconds after the first.
    assertEquals(seen, ["connected at 16", "null at 16"]);
  }
});

Deno.test("connect() to a machine that comes up meanwhile succeeds or is refused", async () => {
  for (const isServed of [true, false]) {
    const { seen } = await connecting((world) => {
      const machine = world.machine("b");
      world.powerOff(machine);
      world.scheduler.after(5000, () => {
        world.powerOn(machine);
        if (isServed) {
          world.start(machine, listening((channel) => Promise.resolve(channel?.close())));
        }
      });
    });
    assertEquals(
      seen,
      isServed ? ["connected at 8", "null at 8"] : [
        `${REFUSED} at 8`,
      ],
    );
  }
});

Deno.test("connect() to a paused process succeeds, and nobody answers until it goes on", async () => {
  const { seen } = await connecting((world) => {
    const process = world.start(
      world.machine("b"),
      listening(async (channel) => void await channel?.write(new Uint8Array(3))),
    );
    world.scheduler.after(500, () => process.pause());
    world.scheduler.after(600_000, () => process.resume());
  });
  assertEquals(seen, ["connected at 1", "3 at 600"]);
});

Deno.test("a listener that closes, or whose process is killed, resets those it has not accepted", async () => {
  for (const isKilled of [true, false]) {
    const { seen } = await connecting((world) => {
      const process = world.start(world.machine("b"), async ({ transport }) => {
        const listener = await transport.listen(ADDRESS);
        await delay(5000);
        if (!isKilled) listener.close();
        await forever();
      });
      if (isKilled) world.scheduler.after(5000, () => process.kill());
    });
    assertEquals(seen, ["connected at 1", `${RESET} at 5`]);
  }
});

Deno.test("connect() that is aborted rejects at once, and leaves nothing behind", async () => {
  const reason = new Error("It took too long");
  const { seen, world } = await connecting((world) => {
    serve(world);
    world.network.setLink("a", "b", { isCut: true });
    world.scheduler.after(10_000, () => world.network.setLink("a", "b", undefined));
  }, {
    signal: () => {
      const controller = new AbortController();
      runtime.timers.setTimeout(() => controller.abort(reason), 2000);
      return controller.signal;
    },
  });
  assertEquals(seen, ["It took too long at 3"]);
  assertEquals([world.network.connections, world.leaks], [[], []]);
});

Deno.test("a process that is killed while it connects opens no connection", async () => {
  let accepted = 0;
  const { world } = await connecting((world) => {
    world.start(world.machine("b"), listening(() => Promise.resolve(void accepted++)));
    world.network.setLink("b", "a", { isCut: true });
    world.scheduler.after(5000, () => {
      world.processes.find(({ name }) => name === "a")?.kill();
      world.network.setLink("b", "a", undefined);
    });
  });
  assertEquals([accepted, world.network.connections], [0, []]);
});

Deno.test("listen() refuses a port in use and another machine's address, and chooses a port for 0", async () => {
  const world = new World({ seed: 1 });
  const seen: string[] = [];
  world.start(world.machine("b"), async ({ transport }) => {
    for (const address of [ADDRESS, ADDRESS, "0.0.0.0:9000", "a:9000", "b:0", "b:0", "9000"]) {
      try {
        seen.push((await transport.listen(address)).address);
      } catch (error) {
        seen.push(error instanceof Error ? error.message : "");
      }
    }
    const local = await transport.connect("127.0.0.1:9000");
    seen.push(local.remote);
  });
  await world.run(() => false);
  const inUse = "the port is in use, choose another or stop what holds it";
  assertEquals(seen, [
    "b:9000",
    `Cannot listen on b:9000: ${inUse}`,
    `Cannot listen on 0.0.0.0:9000: ${inUse}`,
    "Cannot listen on a:9000: Cannot assign requested address (os error 99)",
    "b:32768",
    "b:32769",
    'Cannot read the address: expected HOST:PORT, got "9000"',
    "world 127.0.0.1:9000",
  ]);
});

Deno.test("accept() disconnects those that are not welcome, and names both ends", async () => {
  const asked: string[] = [];
  const { seen } = await connecting((world) =>
    void world.start(world.machine("b"), async ({ transport }) => {
      const listener = await transport.listen(ADDRESS);
      await listener.accept((remote) => {
        asked.push(remote);
        return false;
      });
    })
  );
  assertEquals(seen, ["connected at 1", "null at 1"]);
  assert(/^world a:\d+$/.test(asked[0] ?? ""), asked.join());
});
