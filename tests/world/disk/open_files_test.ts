import { bytes, compare, contentOf, isLinux } from "./compare.ts";

Deno.test({
  name: "VirtualDisk: open files are read, written, locked and closed as by Deno",
  ignore: !isLinux,
  fn: async () => {
    await compare(async (files, folder, note) => {
      const path = `${folder}/f`, { Start, Current, End } = files.SeekMode;
      for (
        const options of [
          ...[{}, { read: true }, { read: true, create: true }, { read: true, createNew: true }],
          ...[{ read: true, truncate: true }, { append: true, truncate: true }],
          ...[{ truncate: true }, { createNew: true }, { append: true }, { write: true }],
          ...[{ write: true, createNew: true, mode: 0o666 }, { write: true, createNew: true }],
          ...[{ append: true, write: true }, { write: true, truncate: true, create: true }],
        ]
      ) {
        await note(`open ${JSON.stringify(options)}`, async () => {
          using file = await files.open(path, options);
          return [contentOf(file.statSync()), contentOf(await file.stat()), file.isTerminal()];
        });
      }
      const write = files.openSync(path, { write: true }), read = files.openSync(path);
      await note("write", () => write.writeSync(bytes(1, 2, 3, 4, 5)));
      await note("read", () => read.readSync(new Uint8Array(3)));
      await note("read too", () => write.readSync(new Uint8Array(3)));
      for (const size of [0, 1]) {
        await note("write too", () => read.writeSync(new Uint8Array(size)));
        await note("write too", () => read.write(new Uint8Array(size)));
      }
      await note("truncate too", () => read.truncateSync(1));
      await note("truncate too", () => read.truncate(1));
      await note("nothing", () => read.readSync(new Uint8Array(0)));
      for (
        const [by, from] of [[-1, Start], [-10, Current], [0, End], [100n, Start], [1.5, Start], [
          -2,
          End,
        ], [1, Current]] as const
      ) {
        await note(`seek ${by} ${from}`, () => read.seekSync(by, from));
        await note(`seek ${by} ${from}`, () => read.seek(by, from));
        await note("read", () => read.readSync(new Uint8Array(9)));
        await note("read", () => read.read(new Uint8Array(9)));
      }
      await note("seek", () => write.seekSync(9, Start));
      await note("write", () => write.write(bytes(9)));
      await note("seek", () => read.seekSync(0, Start));
      await note("read", async () => {
        const into = new Uint8Array(20);
        return [await read.read(into), [...into]];
      });
      await note("shorter", () => write.truncate(3));
      await note("longer", () => write.truncate(6));
      await note("nothing", () => write.truncateSync());
      await note("negative", () => write.truncateSync(-1));
      await note("size", async () => [(await read.stat()).size, write.seekSync(0, Current)]);
      await note("sync", () => write.sync());
      await note("sync", () => read.syncDataSync());
      await note("times", () => {
        write.utimeSync(1, new Date(5000));
        const { atime, mtime } = read.statSync();
        return [atime, mtime];
      });
      const append = files.openSync(path, { append: true, read: true });
      await note("append", async () => {
        await append.write(bytes(65, 66));
        await append.seek(0, Start);
        await append.write(bytes(67));
        return [await append.seek(0, Current), await files.readTextFile(path)];
      });
      for (const [first, second] of [[write, read], [read, write]] as const) {
        for (const isExclusive of [true, false, undefined]) {
          await note("lock", () => first.tryLock(isExclusive));
          await note("lock", () => second.tryLockSync(isExclusive));
          await note("lock", () => second.tryLock(true));
          await note("lock", () => first.tryLockSync(true));
          await note("unlock", () => second.unlock());
          await note("lock", () => first.tryLockSync(true));
        }
        await note("unlock", () => first.unlockSync());
      }
      await note("waits", async () => {
        write.lockSync(true);
        const lock = read.lock(true).then(() => "read");
        const first = await Promise.race([lock, append.seek(0, Start)]);
        write.unlockSync();
        return [first, await lock, write.tryLockSync(false)];
      });
      await note("together", async () => {
        const all = await Promise.all([7, 8, 9].map((x) => append.write(bytes(x, x))));
        return [all, await files.readTextFile(path)];
      });
      await note("closed in between", async () => {
        const file = files.openSync(path, { write: true });
        const writing = file.write(bytes(1, 2));
        file.close();
        return await writing;
      });
      await note("removed", async () => {
        await files.remove(path);
        await append.write(bytes(1));
        return [contentOf(read.statSync()), contentOf(append.statSync())];
      });
      for (const file of [write, read, append]) await note("close", () => file.close());
      await note("close", () => read.close());
      await note("dispose", () => read[Symbol.dispose]());
      await note("read", () => read.readSync(bytes(1)));
      await note("read", () => read.read(bytes(1)));
      await note("stat", () => read.statSync());
      await note("sync", () => read.sync());
      await note("lock", () => read.tryLock(true));
      using opened = files.openSync(folder);
      await note("folder", () => opened.readSync(bytes(1)));
      await note("folder", () => opened.sync());
      await note("folder", () => opened.stat().then(contentOf));
      await note("folder", () => opened.tryLock(true));
      await note("folder", () => files.open(folder, { write: true }));
      await note("folder", () => files.open(folder, { write: true, createNew: true }));
    });
  },
});

Deno.test({
  name: "VirtualDisk: streams of open files close them at the end",
  ignore: !isLinux,
  fn: async () => {
    await compare(async (files, folder, note) => {
      const path = `${folder}/f`;
      const written = await files.open(path, { write: true, create: true });
      const writer = written.writable.getWriter();
      await writer.write(new Uint8Array(100_000).fill(7));
      await writer.close();
      await note("closed", () => written.statSync());
      const read = files.openSync(path);
      await note("bytes", async () => {
        const bytes = await new Response(read.readable).bytes();
        return [bytes.length, bytes.every((byte) => byte === 7)];
      });
      await note("closed", () => read.statSync());
      const cancelled = files.openSync(path);
      await cancelled.readable.cancel();
      await note("closed", () => cancelled.statSync());
      const aborted = files.openSync(path, { write: true });
      await aborted.writable.abort();
      await note("closed", () => aborted.statSync());
      await note("text", async () => {
        const bom = files.openSync(path, { write: true, truncate: true });
        bom.writeSync(bytes(0xEF, 0xBB, 0xBF, 65, 0xFF));
        bom.close();
        return [...await files.readTextFile(path)].map((c) => c.codePointAt(0));
      });
    });
  },
});
