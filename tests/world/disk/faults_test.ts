import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CheckpointStore, Manifest } from "../../../mod.ts";
import { codeOf } from "../../../src/base/files/os_error.ts";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { DiskReserve } from "../../../src/server/uploads/disk_reserve.ts";
import { DiskMachine } from "./on_disk.ts";

/** Returns the code of the error that something fails with. */
async function codeFrom(act: () => unknown): Promise<string | undefined> {
  return codeOf(await assertRejects(async () => void await act()));
}

Deno.test("DiskFault: a full disk takes a part of a write and then none, until something is removed", async () => {
  const machine = new DiskMachine();
  await machine.get(async () => {
    const { files } = runtime;
    await files.writeTextFile("old", "x".repeat(100));
    const full = machine.disk.impose({ freeBytes: 70 });
    using file = await files.open("file", { write: true, create: true });
    assertEquals(await file.write(new Uint8Array(50)), 50);
    assertEquals(await file.write(new Uint8Array(50)), 20);
    assertEquals(await codeFrom(() => file.write(new Uint8Array(1))), "ENOSPC");
    assertEquals(await codeFrom(() => file.truncate(71)), "ENOSPC");
    assertEquals(await codeFrom(() => files.mkdir("folder")), "ENOSPC");
    assertEquals(await codeFrom(() => files.writeTextFile("new", "")), "ENOSPC");
    assertEquals(await file.write(new Uint8Array(0)), 0);
    // Bytes that are there already need no room, and a rename needs none.
    file.seekSync(0, files.SeekMode.Start);
    assertEquals(file.writeSync(new Uint8Array(70).fill(1)), 70);
    await files.rename("old", "older");
    await files.remove("older");
    assertEquals(await file.write(new Uint8Array(200)), 100);
    full[Symbol.dispose]();
    assertEquals(await file.write(new Uint8Array(200)), 200);
  });
  assertEquals(machine.disk.usedBytes, 370);
  assertEquals(machine.events, [
    "ENOSPC after 20 of 50 bytes: write '/file'",
    "ENOSPC: write '/file'",
    "ENOSPC: truncate '/file'",
    "ENOSPC: mkdir 'folder'",
    "ENOSPC: writefile 'new'",
    "ENOSPC after 100 of 200 bytes: write '/file'",
  ]);
});

Deno.test("DiskFault: a reserve that is given back makes room on a full disk", async () => {
  const machine = new DiskMachine();
  await machine.get(async () => {
    const reserve = DiskReserve.take(() => runtime.files.makeTempFileSync());
    assertEquals(machine.disk.usedBytes, 2 ** 20);
    using _ = machine.disk.impose({ freeBytes: 0 });
    assertEquals(await codeFrom(() => runtime.files.writeTextFile("log", "line")), "ENOSPC");
    reserve[Symbol.dispose]();
    await runtime.files.writeTextFile("log", "line");
  });
  assertEquals(machine.disk.paths, ["/log"]);
});

Deno.test("DiskFault: a share of reads, writes and syncs fails, and each that does is told", async () => {
  const machine = new DiskMachine(5);
  const failed = { read: 0, write: 0, sync: 0 };
  await machine.get(async () => {
    using file = await runtime.files.open("file", { read: true, write: true, create: true });
    using _reads = machine.disk.impose({ readErrors: 0.2 });
    using _writes = machine.disk.impose({ writeErrors: 0.1, syncErrors: 0.05 });
    // Two causes of a read error: 1 - 0.8 * 0.5 of them fail.
    using _more = machine.disk.impose({ readErrors: 0.5 });
    for (let i = 0; i < 1000; i++) {
      for (const kind of ["read", "write", "sync"] as const) {
        await file[kind](new Uint8Array(1)).catch((error) => {
          assertEquals(codeOf(error), "EIO");
          failed[kind]++;
        });
      }
    }
  });
  assert(Math.abs(failed.read - 600) < 60, `${failed.read}`);
  assert(Math.abs(failed.write - 100) < 40, `${failed.write}`);
  assert(Math.abs(failed.sync - 50) < 30, `${failed.sync}`);
  for (const [kind, count] of Object.entries(failed)) {
    assertEquals(machine.events.filter((line) => line === `EIO: ${kind} '/file'`).length, count);
  }
});

Deno.test("DiskFault: files and folders that cannot be read are named by their paths", async () => {
  const machine = new DiskMachine();
  machine.disk.put("/a/b/bad", new TextEncoder().encode("x"));
  machine.disk.put("/a/c", new TextEncoder().encode("y"));
  machine.disk.put("/a/bc", new TextEncoder().encode("z"));
  using _ = machine.disk.impose({ unreadable: ["/a/b", "/a/c"] });
  await machine.get(async () => {
    const { files } = runtime;
    assertEquals(await codeFrom(() => files.readTextFile("a/b/bad")), "EIO");
    assertEquals(await codeFrom(() => files.readTextFile("/a/../a/c")), "EIO");
    assertEquals(await codeFrom(() => Array.fromAsync(files.readDir("a/b"))), "EIO");
    assertEquals(await files.readTextFile("a/bc"), "z");
    // Its size is known, and it can be written anew.
    assertEquals((await files.stat("a/c")).size, 1);
    await files.writeTextFile("a/c", "long");
  });
  assertEquals(machine.events, [
    "EIO: read '/a/b/bad'",
    "EIO: read '/a/c'",
    "EIO: readdir 'a/b'",
  ]);
});

Deno.test("DiskFault: a read-only disk is read, and nothing on it changes", async () => {
  const machine = new DiskMachine();
  await machine.get(async () => {
    const { files } = runtime;
    await files.writeTextFile("file", "text");
    using open = await files.open("file", { write: true });
    const fault = machine.disk.impose({ isReadOnly: true });
    for (
      const act of [
        () => files.writeTextFile("file", "other"),
        () => files.writeTextFile("new", "other"),
        () => files.open("file", { append: true }),
        () => files.mkdir("folder"),
        () => files.rename("file", "other"),
        () => files.link("file", "other"),
        () => files.remove("file"),
        () => files.chmod("file", 0o600),
        () => Promise.resolve(files.truncateSync("file")),
        () => Promise.resolve(files.makeTempFileSync()),
        () => open.write(new Uint8Array(1)),
        () => open.truncate(),
      ]
    ) {
      assertEquals(await codeFrom(act), "EROFS");
    }
    assertEquals(await codeFrom(() => files.mkdir("tmp")), "EEXIST");
    assertEquals(await files.readTextFile("file"), "text");
    await open.sync();
    fault[Symbol.dispose]();
    await files.writeTextFile("file", "other");
  });
  assertEquals(machine.events.length, 12);
  assert(machine.events.every((line) => line.startsWith("EROFS: ")));
});

Deno.test("DiskFault: no more files are open than may be, and a store that holds some saves with them", async () => {
  const machine = new DiskMachine();
  const manifest = Manifest.of([{ name: "w", shape: [3] }]);
  await machine.get(async () => {
    const { files } = runtime, store = new CheckpointStore("run");
    const save = (round: number) =>
      store.save({ manifest, parameters: new Float32Array(3), round, state: {}, history: [round] });
    await save(1);
    using _held = store.hold();
    using few = machine.disk.impose({ mostOpenFiles: 3 });
    assertEquals(await codeFrom(() => files.open("run")), "EMFILE");
    assertEquals(await codeFrom(() => Array.fromAsync(files.readDir("run"))), "EMFILE");
    assertEquals(await codeFrom(() => files.writeTextFile("new", "")), "EMFILE");
    await save(2);
    await save(3);
    assertEquals((await store.latest())?.round, 3);
    few[Symbol.dispose]();
    using _file = await files.open("run");
  });
  assert(machine.events.every((line) => line.startsWith("EMFILE: ")));
});

Deno.test("VirtualDisk: permissions of the owner are kept", async () => {
  const machine = new DiskMachine();
  await machine.get(async () => {
    const { files } = runtime;
    await files.writeTextFile("file", "text", { mode: 0o400 });
    assertEquals(await files.readTextFile("file"), "text");
    const error = assertThrows(
      () => files.openSync("file", { write: true }),
      Deno.errors.PermissionDenied,
      "Permission denied (os error 13): open 'file'",
    );
    assertEquals(codeOf(error), "EACCES");
    await files.chmod("file", 0o200);
    assertEquals(await codeFrom(() => files.readTextFile("file")), "EACCES");
    await files.mkdir("folder", { mode: 0o500 });
    assertEquals(await codeFrom(() => files.rename("file", "folder/file")), "EACCES");
    assertEquals(await codeFrom(() => files.writeTextFile("folder/new", "")), "EACCES");
  });
  assertEquals(machine.events, []);
});

Deno.test("DiskFault: calls take the time of the slowest fault, and a sync 20 times as long", async () => {
  const machine = new DiskMachine();
  await machine.get(async () => {
    using file = await runtime.files.open("file", { write: true, create: true });
    const took = async (act: () => Promise<unknown>) => {
      const begin = runtime.clock.now();
      await act();
      return runtime.clock.now() - begin;
    };
    assert(await took(() => file.write(new Uint8Array(1))) <= 0.2);
    using _slow = machine.disk.impose({ latencyMillis: [10, 20] });
    const slower = machine.disk.impose({ latencyMillis: [500, 500] });
    assertEquals(Math.round(await took(() => file.stat())), 500);
    assertEquals(Math.round(await took(() => file.sync())), 10_000);
    slower[Symbol.dispose]();
    const times = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => took(() => runtime.files.stat("/"))),
    );
    assert(times.every((time) => time >= 10 && time <= 20), `${times}`);
    assert(new Set(times).size === 6);
  });
});

Deno.test("VirtualDisk: the same seed gives the same faults, crashes and bytes", async () => {
  const runs = [1, 1, 2].map(async (seed) => {
    const machine = new DiskMachine(seed);
    using _ = machine.disk.impose({ writeErrors: 0.1, readErrors: 0.1, syncErrors: 0.1 });
    for (let crash = 0; crash < 5; crash++) {
      await machine.get(async () => {
        for (let i = 0; i < 30; i++) {
          const path = runtime.files.makeTempFileSync({ dir: "/", prefix: `${crash}-` });
          await runtime.files.writeTextFile(path, "x".repeat(3000));
          using file = runtime.files.openSync(path);
          await file.sync();
        }
      }).catch(() => {});
      machine.disk.crash();
    }
    return JSON.stringify([
      machine.events,
      machine.disk.paths.map((path) => [path, machine.disk.read(path)?.length]),
    ]);
  });
  const [one, same, other] = [await runs[0], await runs[1], await runs[2]];
  assertEquals(one, same);
  assert(one !== other);
});
