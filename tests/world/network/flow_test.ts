import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { delay } from "../../../src/base/time/delay.ts";
import { World } from "../../../src/world/mod.ts";
import { acceptedBy } from "./rows.ts";
import {
  ADDRESS,
  assertNumbered,
  forever,
  numbered,
  readBytes,
  twoMachines,
} from "./two_machines.ts";

const seconds = () => runtime.clock.now() / 1000;

/** Sends vectors over connections from `a` to `b`, and returns the seconds that each has taken. */
async function transfer(
  lengths: readonly number[],
  bytesPerSecond: number,
  wayBack = false,
): Promise<number[]> {
  const world = new World({ seed: 1 });
  world.network.setAllLinks({ bytesPerSecond });
  const took: number[] = [];
  world.start(world.machine("b"), async ({ transport }) => {
    const listener = await transport.listen(ADDRESS);
    await Promise.all(lengths.map(async (length) => {
      const channel = await acceptedBy(listener);
      const start = seconds();
      if (wayBack) void channel.write(numbered(length));
      assertNumbered(await readBytes(channel, length), length);
      took.push(seconds() - start);
    }));
  });
  world.start(world.machine("a"), async ({ transport }) => {
    await delay(10);
    for (const length of lengths) {
      const channel = await transport.connect(ADDRESS);
      void channel.write(numbered(length));
      if (wayBack) void readBytes(channel, length);
    }
    await forever();
  });
  await world.run(() => took.length === lengths.length);
  assertEquals(world.escapes, []);
  return took;
}

Deno.test("all connections between two machines share the bandwidth of their link", async () => {
  const [alone = 0] = await transfer([1_000_000], 100_000);
  assertAlmostEquals(alone, 10, 0.2);
  const four = await transfer(Array<number>(4).fill(1_000_000), 100_000);
  assertEquals(four.length, 4);
  // Each gets its share all the while: they end together.
  for (const took of four) assert(took > 30 && took < 40.5, `${took} s`);
});

Deno.test("a short message waits for the window of a long one, not for all of it", async () => {
  const took = await transfer([3_000_000, 100], 100_000);
  assert((took[0] ?? 0) < 4, `${took[0]} s`);
  assertAlmostEquals(took[1] ?? 0, 30, 1);
});

Deno.test("the two directions of a link have a bandwidth each", async () => {
  const [took = 0] = await transfer([1_000_000], 100_000, true);
  assertAlmostEquals(took, 10, 0.2);
});

Deno.test("a writer waits for a slow reader, and 256 KiB are on their way or unread", async () => {
  const { run, seen } = twoMachines({
    a: async (channel, { see }) => {
      const long = numbered(1_000_000);
      for (let at = 0; at < long.length; at += 1000) {
        await channel.write(long.subarray(at, at + 1000));
        if (at === 261_000) await see("has written", Promise.resolve("a window"));
      }
      await see("has written", Promise.resolve("all"));
    },
    b: async (channel, { see }) => {
      await delay(100_000);
      await see("reads", Promise.resolve("now"));
      assertNumbered(await readBytes(channel, 1_000_000), 1_000_000);
      await see("has read", Promise.resolve("all"));
    },
  });
  await run();
  assertEquals(seen, [
    ...["a has written a window", "b reads now", "a has written all", "b has read all"],
  ]);
});

Deno.test("bytes may change once write() has resolved", async () => {
  const { run, seen } = twoMachines({
    a: async (channel) => {
      for (const length of [10, 600_000]) {
        const bytes = numbered(length);
        await channel.write(bytes);
        bytes.fill(0);
      }
    },
    b: async (channel, { see }) => {
      await delay(5000);
      for (const length of [10, 600_000]) {
        assertNumbered(await readBytes(channel, length), length);
      }
      await see("has read", Promise.resolve("all"));
    },
  });
  await run();
  assertEquals(seen, ["b has read all"]);
});

Deno.test("a large write is sent in pieces, which a reader gets one by one", async () => {
  let reads = 0;
  const { world, run } = twoMachines({
    a: async (channel) => await channel.write(numbered(1_000_000)),
    b: async (channel) => {
      const into = new Uint8Array(2_000_000);
      for (let got = 0; got < 1_000_000; reads++) got += await channel.read(into) ?? 0;
    },
  });
  world.network.setAllLinks({ bytesPerSecond: 1_000_000 });
  await run();
  assertEquals(reads, Math.ceil(1_000_000 / 65_536));
});

Deno.test("a message that is waited for costs one event", async () => {
  const rounds = 500;
  const { world, run } = twoMachines({
    a: async (channel) => {
      for (let i = 0; i < rounds; i++) {
        await channel.write(numbered(100));
        await readBytes(channel, 100);
      }
    },
    b: async (channel) => {
      for (let i = 0; i < rounds; i++) {
        await readBytes(channel, 100);
        await channel.write(numbered(100));
      }
    },
  });
  await run();
  // Two processes begin, one of them waits, and three packets connect them.
  assertEquals(world.scheduler.events, 2 * rounds + 6);
});

Deno.test("packets of one connection do not overtake each other; those of two may", async () => {
  const arrivals: string[] = [];
  const world = new World({ seed: 1 });
  world.network.setAllLinks({ delayMillis: [1, 1000] });
  world.start(world.machine("b"), async ({ transport }) => {
    const listener = await transport.listen(ADDRESS);
    for (let i = 0; i < 2; i++) {
      const channel = await acceptedBy(listener);
      void (async () => {
        for (;;) {
          const into = new Uint8Array(1);
          if (await channel.read(into) === null) return;
          arrivals.push(String(into[0]));
        }
      })();
    }
    await forever();
  });
  world.start(world.machine("a"), async ({ transport }) => {
    await delay(10);
    const channels = [await transport.connect(ADDRESS), await transport.connect(ADDRESS)];
    await delay(5000);
    for (let i = 0; i < 40; i++) await channels[i % 2]?.write(Uint8Array.of(i));
    await forever();
  });
  await world.run(() => false);
  const numbers = arrivals.map(Number);
  const even = numbers.filter((number) => number % 2 === 0);
  const odd = numbers.filter((number) => number % 2 === 1);
  assertEquals([even.length, odd.length], [20, 20]);
  assertEquals([even, odd], [even.toSorted((x, y) => x - y), odd.toSorted((x, y) => x - y)]);
  assert(numbers.some((number, i) => number < (numbers[i - 1] ?? 0)), arrivals.join());
});
