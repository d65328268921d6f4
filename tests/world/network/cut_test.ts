import { assert, assertEquals } from "@std/assert";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { delay } from "../../../src/base/time/delay.ts";
import { assertNumbered, forever, numbered, readBytes, twoMachines } from "./two_machines.ts";

const TIMED_OUT = "Connection timed out (os error 110)";
const RESET = "Connection reset by peer (os error 104)";
const bytes = () => new Uint8Array(5);
const room = () => new Uint8Array(9);
/** Times after which a sender gives up, in seconds. */
const SOONEST = 30, LATEST = 900;

Deno.test("a cut: the sender times out after 30 s to 15 minutes, and an idle reader hears nothing", async () => {
  const ends = new Set<number>();
  for (let seed = 1; seed <= 20; seed++) {
    const { world, at, run, seen, times } = twoMachines({
      a: async (channel, { see }) => {
        await delay(1000);
        await see("write", channel.write(bytes()));
        await see("read", channel.read(room()));
        await see("read", channel.read(room()));
      },
      b: async (channel, { see }) => void await see("read", channel.read(room())),
    }, seed);
    at(0.5, () => world.network.setAllLinks({ isCut: true }));
    await run();
    assertEquals(seen, ["a write ok", `a read ${TIMED_OUT}`, "a read null"]);
    const [from = 0, to = 0] = times;
    assert(to - from >= SOONEST && to - from <= LATEST, `${to - from} s`);
    ends.add(to);
  }
  assertEquals(ends.size, 20);
});

Deno.test("a cut that heals: all bytes arrive, in order, once", async () => {
  const all = numbered(3_000_000);
  for (const from of ["a", "b"]) {
    const { world, at, run, seen } = twoMachines({
      a: async (channel, { see }) => void await see("write", channel.write(all)),
      b: async (channel, { see }) => {
        assertNumbered(await readBytes(channel, all.length), all.length);
        await see("read", channel.read(room()));
      },
    });
    // Several cuts, of both directions together and of one, in the middle of the vector.
    const { network } = world;
    const to = from === "a" ? "b" : "a";
    network.setAllLinks({ bytesPerSecond: 200_000 });
    at(0.05, () => network.setAllLinks({ isCut: true }));
    at(3, () => network.setAllLinks({ isCut: false }));
    at(7, () => network.setLink(from, to, { isCut: true }));
    at(12, () => network.setLink(from, to, { isCut: false }));
    at(13.01, () => network.setLink(to, from, { isCut: true }));
    at(15, () => network.setLink(to, from, undefined));
    let isOver = false;
    at(15, () => isOver = seen.length > 0);
    await run();
    assertEquals([seen, isOver], [["a write ok"], false], `cut from ${from}`);
    assertEquals(world.processes.length, 2);
  }
});

Deno.test("a cut that heals after the sender has given up: the other end is reset when it sends", async () => {
  const { world, at, run, seen } = twoMachines({
    a: async (channel, { see }) => {
      await delay(1000);
      await channel.write(bytes());
      await see("read", channel.read(room()));
    },
    b: async (channel, { see }) => {
      const read = see("read", channel.read(room()));
      await delay(1_100_000);
      await see("write", channel.write(bytes()));
      await read;
    },
  });
  at(0.5, () => world.network.setAllLinks({ isCut: true }));
  at(1000, () => world.network.setAllLinks({ isCut: false }));
  await run();
  assertEquals(seen, [`a read ${TIMED_OUT}`, "b write ok", `b read ${RESET}`]);
});

Deno.test("the way back alone is cut: bytes arrive until the sender waits for an answer", async () => {
  let got = 0;
  const { world, at, run, seen } = twoMachines({
    a: async (channel, { see }) => {
      for (let i = 0; i < 100; i++) {
        if (await see("write", channel.write(bytes())) !== "ok") return;
        await delay(50);
      }
      await see("read", channel.read(room()));
    },
    b: async (channel) => {
      for (;;) got += await channel.read(room()) ?? 0;
    },
  });
  at(0, () => world.network.setLink("b", "a", { isCut: false }));
  at(1, () => world.network.setLink("b", "a", { isCut: true }));
  await run();
  assertEquals(seen.slice(-1), [`a read ${TIMED_OUT}`]);
  // Twenty writes before the cut, and those of the 200 ms before the first packet is sent again.
  assert(got >= 22 * 5 && got <= 26 * 5, `${got} bytes`);
});

Deno.test("the way back is cut and heals: what waited arrives, at a time of sending again", async () => {
  let arrived = 0;
  const { world, at, run, seen } = twoMachines({
    a: async (channel, { see }) => {
      for (let i = 0; i < 200; i++) {
        await channel.write(bytes());
        await delay(50);
      }
      await see("read", channel.read(room()));
    },
    b: async (channel, { see }) => {
      await readBytes(channel, 1000);
      arrived = runtime.clock.now();
      await see("write", channel.write(bytes()));
    },
  });
  at(1, () => world.network.setLink("b", "a", { isCut: true }));
  at(8, () => world.network.setLink("b", "a", { isCut: false }));
  await run();
  // Attempts follow 0.2, 0.6, 1.4, 3, 6.2 and 12.6 seconds after the first loss.
  assert(arrived > 13_500 && arrived < 14_000, `${arrived} ms`);
  assertEquals(seen, ["b write ok", "a read 5"]);
});

Deno.test("the way there alone is cut: nothing arrives, and what comes back is read", async () => {
  const { world, at, run, seen } = twoMachines({
    a: async (channel, { see }) => {
      await delay(1000);
      await channel.write(bytes());
      await see("read", channel.read(room()));
      await see("read", channel.read(room()));
    },
    b: async (channel, { see }) => {
      const read = see("read", channel.read(room()));
      await delay(2000);
      await see("write", channel.write(bytes()));
      await read;
    },
  });
  at(0.5, () => world.network.setLink("a", "b", { isCut: true }));
  await run();
  // Neither hears an answer: b's bytes arrive, but their acknowledgement does not.
  assertEquals(seen, ["b write ok", "a read 5", ...seen.slice(2)]);
  assertEquals(seen.slice(2).sort(), [`a read ${TIMED_OUT}`, `b read ${TIMED_OUT}`]);
});

Deno.test("a writer that waits for room times out if the link is cut, though nothing is on its way", async () => {
  for (const [from, to] of [["a", "b"], ["b", "a"]] as const) {
    const { world, at, run, seen } = twoMachines({
      a: async (channel, { see }) => void await see("write", channel.write(numbered(1_000_000))),
      b: () => forever(),
    });
    at(100, () => world.network.setLink(from, to, { isCut: true }));
    await run();
    assertEquals(seen, [`a write ${TIMED_OUT}`]);
  }
});

Deno.test("a writer that waits for room goes on when a cut heals, though the news of room was lost", async () => {
  const { world, at, run, seen } = twoMachines({
    a: async (channel, { see }) => void await see("write", channel.write(numbered(300_000))),
    b: async (channel, { see }) => {
      await delay(10_000);
      await see("read", readBytes(channel, 300_000).then(({ length }) => length));
    },
  });
  at(5, () => world.network.setLink("b", "a", { isCut: true }));
  at(20, () => world.network.setLink("b", "a", { isCut: false }));
  await run();
  assertEquals(seen, ["a write ok", "b read 300000"]);
});

Deno.test("a process is killed while the link is cut: the peer sees the end if it heals soon", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    for (const [healed, outcomes] of [[20, ["b read null"]], [150, []]] as const) {
      const { world, a, at, run, seen } = twoMachines({
        a: () => forever(),
        b: async (channel, { see }) => void await see("read", channel.read(room())),
      }, seed);
      at(1, () => world.network.setAllLinks({ isCut: true }));
      at(2, () => a.kill());
      at(healed, () => world.network.setAllLinks({ isCut: false }));
      await run();
      assertEquals(seen, outcomes, `healed after ${healed} s`);
    }
  }
});

Deno.test("a killed peer whose reset is lost: the sender tries again, and is reset or times out", async () => {
  for (const isHealed of [true, false]) {
    const { world, b, at, run, seen } = twoMachines({
      a: async (channel, { see }) => {
        await delay(2000);
        await see("write", channel.write(bytes()));
        await see("read", channel.read(room()));
      },
      b: () => forever(),
    });
    at(1, () => world.network.setLink("b", "a", { isCut: true }));
    at(1.5, () => b.kill());
    if (isHealed) at(10, () => world.network.setLink("b", "a", { isCut: false }));
    await run();
    assertEquals(seen, ["a write ok", `a read ${isHealed ? RESET : TIMED_OUT}`]);
  }
});

Deno.test("a device on the way resets: both ends are told, as far as its packets pass", async () => {
  for (const isCut of [false, true]) {
    const { world, at, run, seen } = twoMachines({
      a: async (channel, { see }) => void await see("read", channel.read(room())),
      b: async (channel, { see }) => void await see("read", channel.read(room())),
    });
    const { network } = world;
    at(1, () => network.setLink("a", "b", { isCut }));
    at(2, () => network.connections.forEach((connection) => network.reset(connection)));
    await run();
    assertEquals(
      [...seen].sort(),
      isCut ? [`a read ${RESET}`] : [`a read ${RESET}`, `b read ${RESET}`],
    );
    assertEquals(network.connections.length, isCut ? 1 : 0);
  }
});
