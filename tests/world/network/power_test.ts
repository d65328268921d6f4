import { assertEquals } from "@std/assert";
import { delay } from "../../../src/base/time/delay.ts";
import { forever, twoMachines } from "./two_machines.ts";

const TIMED_OUT = "Connection timed out (os error 110)";
const RESET = "Connection reset by peer (os error 104)";
const PIPE = "Broken pipe (os error 32)";
const bytes = () => new Uint8Array(5);
const room = () => new Uint8Array(9);

Deno.test("the other machine loses power: an idle reader hears nothing, for ever", async () => {
  const { world, b, at, run, seen } = twoMachines({
    a: async (channel, { see }) => void await see("read", channel.read(room())),
    b: () => forever(),
  });
  at(1, () => world.powerOff(b.machine));
  at(100, () => world.powerOn(b.machine));
  await run();
  assertEquals([seen, world.network.connections.length], [[], 1]);
});

Deno.test("the other machine loses power: a sender times out", async () => {
  const { world, b, at, run, seen } = twoMachines({
    a: async (channel, { see }) => {
      await delay(2000);
      await see("write", channel.write(bytes()));
      await see("read", channel.read(room()));
    },
    b: () => forever(),
  });
  at(1, () => world.powerOff(b.machine));
  await run();
  assertEquals([seen, world.network.connections], [["a write ok", `a read ${TIMED_OUT}`], []]);
});

Deno.test("the other machine has its power again: a sender is reset", async () => {
  for (const isWriting of [true, false]) {
    const { world, b, at, run, seen, times } = twoMachines({
      a: async (channel, { see }) => {
        const read = see("read", channel.read(room()));
        await delay(isWriting ? 2000 : 20_000);
        await see("write", channel.write(bytes()));
        await read;
      },
      b: () => forever(),
    });
    at(1, () => world.powerOff(b.machine));
    at(10, () => world.powerOn(b.machine));
    await run();
    assertEquals(seen, ["a write ok", `a read ${RESET}`]);
    // Attempts follow 0.2, 0.6, 1.4, 3, 6.2 and 12.6 seconds after the loss.
    assertEquals(Math.round(times[1] ?? 0), isWriting ? 15 : 20);
  }
});

Deno.test("a machine loses power with bytes that have not left: they are lost", async () => {
  const { world, a, at, run, seen } = twoMachines({
    a: async (channel) => await channel.write(new Uint8Array(200_000)),
    b: async (channel, { see }) => {
      for (;;) await see("read", channel.read(new Uint8Array(1_000_000)));
    },
  });
  world.network.setAllLinks({ bytesPerSecond: 50_000 });
  at(2, () => world.powerOff(a.machine));
  at(20, () => world.powerOn(a.machine));
  await run();
  // One packet of 64 KiB leaves in 1.3 seconds.
  assertEquals(seen, ["b read 65536"]);
});

Deno.test("a machine loses power after a process on it has closed: nothing more is sent", async () => {
  const { world, a, at, run, seen } = twoMachines({
    a: async (channel) => {
      await channel.write(new Uint8Array(200_000));
      channel.close();
    },
    b: async (channel, { see }) => void await see("read", channel.read(room())),
  });
  world.network.setAllLinks({ bytesPerSecond: 50_000 });
  at(1, () => world.powerOff(a.machine));
  at(2, () => world.powerOn(a.machine));
  await run();
  assertEquals(seen, []);
});

Deno.test("a process that starts again gets none of the packets of the one before", async () => {
  const { world, b, at, run, seen } = twoMachines({
    a: async (channel, { see }) => {
      await delay(2000);
      await see("write", channel.write(bytes()));
      await delay(1000);
      await see("write", channel.write(bytes()));
    },
    b: () => forever(),
  });
  const got: unknown[] = [];
  at(1, () => {
    b.kill();
    world.start(b.machine, async ({ transport }) => {
      const listener = await transport.listen("b:9000");
      got.push(await listener.accept());
    });
  });
  await run();
  assertEquals(seen, ["a write ok", `a write ${PIPE}`]);
  assertEquals(got, []);
});

Deno.test("a paused process: its machine receives for it, and it reads when it goes on", async () => {
  const { b, at, run, seen, times } = twoMachines({
    a: async (channel, { see }) => {
      await delay(2000);
      for (let i = 0; i < 3; i++) await see("write", channel.write(bytes()));
      channel.close();
    },
    b: async (channel, { see }) => {
      for (let i = 0; i < 3; i++) await see("read", channel.read(room()));
    },
  });
  at(1, () => b.pause());
  at(1000, () => b.resume());
  await run();
  assertEquals(seen, [
    ...Array<string>(3).fill("a write ok"),
    ...["b read 9", "b read 6", "b read null"],
  ]);
  assertEquals(times.map(Math.round), [2, 2, 2, 1000, 1000, 1000]);
});

Deno.test("a paused process is killed with bytes that came meanwhile: the peer is reset", async () => {
  const { b, at, run, seen, times } = twoMachines({
    a: async (channel, { see }) => {
      const read = see("read", channel.read(room()));
      await delay(2000);
      await see("write", channel.write(bytes()));
      await read;
    },
    b: async (channel, { see }) => void await see("read", channel.read(room())),
  });
  at(1, () => b.pause());
  at(100, () => b.kill());
  await run();
  assertEquals(seen, ["a write ok", `a read ${RESET}`]);
  assertEquals(times.map(Math.round), [2, 100]);
});

Deno.test("a paused sender whose packets are lost times out all the same, and is told later", async () => {
  const { world, a, at, run, seen, times } = twoMachines({
    a: async (channel, { see }) => {
      await delay(2000);
      await see("write", channel.write(bytes()));
      await see("read", channel.read(room()));
    },
    b: () => forever(),
  });
  at(1, () => world.network.setAllLinks({ isCut: true }));
  at(3, () => a.pause());
  at(2000, () => world.network.setAllLinks({ isCut: false }));
  at(3000, () => a.resume());
  await run();
  assertEquals(seen, ["a write ok", `a read ${TIMED_OUT}`]);
  assertEquals(times.map(Math.round), [2, 3000]);
});
