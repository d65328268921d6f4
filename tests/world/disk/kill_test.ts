import { assert, assertEquals, assertThrows } from "@std/assert";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { delay } from "../../../src/base/time/delay.ts";
import { DiskMachine } from "./on_disk.ts";

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("VirtualDisk: a killed process loses nothing that was written, synced or not", async () => {
  const machine = new DiskMachine();
  const process = machine.start(async () => {
    await runtime.files.mkdir("a/b", { recursive: true });
    const file = await runtime.files.open("a/b/file", { write: true, create: true });
    await file.write(new TextEncoder().encode("asynchronous, "));
    file.writeSync(new TextEncoder().encode("at once"));
    await runtime.files.rename("a/b", "c");
    await new Promise(() => {});
  });
  await machine.run();
  process.kill();
  assertEquals(machine.disk.paths, ["/c/file"]);
  assertEquals(text(machine.disk.read("/c/file")), "asynchronous, at once");
});

Deno.test("VirtualDisk: a process that is killed in a call leaves it done, undone, or a write in part", async () => {
  const found = { rename: new Set<string>(), write: new Set<number>() };
  const block = new Uint8Array(10_000).fill(7);
  for (let seed = 1; seed <= 60; seed++) {
    const machine = new DiskMachine(seed);
    await machine.get(() => runtime.files.writeTextFile("old", "x"));
    let isCalled = false;
    const process = machine.start(async () => {
      const file = runtime.files.openSync("file", { write: true, create: true });
      const done = [runtime.files.rename("old", "new"), file.write(block)];
      isCalled = true;
      await Promise.race(done);
      throw new Error("the process was killed before");
    });
    await machine.run(undefined, () => isCalled);
    process.kill();
    await machine.run();
    assertEquals(process.end?.by, "kill");
    const paths = machine.disk.paths.filter((path) => path !== "/file");
    assertEquals(paths.length, 1);
    found.rename.add(paths[0] ?? "");
    const bytes = machine.disk.read("/file");
    found.write.add(bytes?.length ?? -1);
    assert(bytes?.every((byte) => byte === 7));
    assertEquals(machine.disk.usedBytes, 1 + (bytes?.length ?? 0));
  }
  assertEquals(found.rename, new Set(["/old", "/new"]));
  assertEquals([...found.write].sort((a, b) => a - b), [0, 4096, 8192, 10_000]);
});

Deno.test("VirtualDisk: the locks of a killed process go to those that wait, in their order", async () => {
  const machine = new DiskMachine(), order: string[] = [];
  const open = () => runtime.files.openSync("lock", { write: true, create: true });
  const holder = machine.start(async () => {
    await open().lock(true);
    order.push("first");
    await new Promise(() => {});
  });
  await machine.run();
  const waiters = ["second", "killed", "third"].map((name) =>
    machine.start(async () => {
      using file = open();
      assertEquals(file.tryLockSync(true), false);
      assertEquals(await file.tryLock(false), false);
      assertThrows(() => file.lockSync(true), Error, "another file holds it");
      await file.lock(true);
      order.push(name);
      await delay(10);
      order.push(`${name} ends`);
    })
  );
  await machine.run();
  assertEquals(order, ["first"]);
  waiters[1]?.kill();
  holder.kill();
  await machine.run();
  assertEquals(order, ["first", "second", "second ends", "third", "third ends"]);
  assertEquals(waiters.map(({ end }) => end?.by), ["return", "kill", "return"]);
});

Deno.test("VirtualDisk: what a process does after its end, in the same turn, has no effect", async () => {
  const machine = new DiskMachine();
  const process = machine.start(async () => {
    using file = runtime.files.openSync("file", { write: true, create: true });
    try {
      runtime.process.exit(1);
    } finally {
      for (
        const act of [
          () => file.writeSync(new Uint8Array(3)),
          () => runtime.files.removeSync("file"),
          () => runtime.files.renameSync("file", "other"),
        ]
      ) {
        assertThrows(act, Error);
      }
      await runtime.files.remove("file");
    }
  });
  await machine.run();
  assertEquals(process.end?.by, "kill");
  assertEquals(machine.disk.paths, ["/file"]);
  assertEquals(machine.disk.usedBytes, 0);
});

Deno.test("VirtualDisk: a removed file takes up its room until it is closed, or its process is killed", async () => {
  const machine = new DiskMachine();
  const process = machine.start(async () => {
    const file = await runtime.files.open("file", { read: true, write: true, createNew: true });
    file.writeSync(new Uint8Array(5000));
    await runtime.files.link("file", "other");
    await runtime.files.remove("file");
    await runtime.files.remove("other");
    assertEquals((await file.stat()).nlink, 0);
    await new Promise(() => {});
  });
  await machine.run();
  assertEquals([machine.disk.paths, machine.disk.usedBytes], [[], 5000]);
  process.kill();
  assertEquals(machine.disk.usedBytes, 0);
  machine.disk.crash();
  // The crash may have brought it back.
  const sizes = machine.disk.paths.map((path) => machine.disk.read(path)?.length ?? 0);
  assertEquals(machine.disk.usedBytes, Math.max(0, ...sizes));
});
