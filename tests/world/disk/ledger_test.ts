import { assert, assertEquals, assertRejects } from "@std/assert";
import { Random } from "../../../src/base/random.ts";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { LedgerFile } from "../../../src/privacy/ledger/ledger_file.ts";
import { DiskMachine } from "./on_disk.ts";

const PATH = "clients/1/ledger.json";

/** Content of a ledger with a number of releases. */
function contentOf(count: number) {
  return { unit: "record", releases: [{ count, noise: 1, rate: 1 }] } as const;
}

Deno.test("LedgerFile forgets no release after any of 200 crashes, once it has been read or written", async () => {
  const random = new Random(3, "test"), machine = new DiskMachine(3);
  let known = 0, written = 0;
  const main = async () => {
    await runtime.files.mkdir("clients/1", { recursive: true });
    using ledger = new LedgerFile(PATH);
    const count = (await ledger.read())?.releases[0]?.count ?? 0;
    assert(count >= known && count <= written, `${count} of ${known} to ${written} releases`);
    // A process that has read it counts on it.
    known = count;
    for (;;) {
      written = known + 1;
      await ledger.write(contentOf(written));
      known = written;
    }
  };
  for (let crash = 0; crash < 200; crash++) {
    assertEquals(await machine.killAfter(main, 1 + random.below(60)), undefined);
    if (random.below(3) > 0) machine.disk.crash();
  }
  assert(known > 100, `${known} releases`);
});

Deno.test("LedgerFile is used by one process at a time, and by the next when that is killed", async () => {
  const machine = new DiskMachine();
  const first = machine.start(async () => {
    const ledger = new LedgerFile("ledger.json");
    await ledger.write(contentOf(1));
    await new Promise(() => {});
  });
  await machine.run();
  const read = () => machine.get(() => new LedgerFile("ledger.json").read());
  await assertRejects(read, Error, "another client uses it");
  first.kill();
  assertEquals((await read())?.releases[0]?.count, 1);
});

Deno.test("LedgerFile says in a line that the disk is full, fails or is read-only, and stays whole", async () => {
  const machine = new DiskMachine();
  await machine.get(() => new LedgerFile("ledger.json").write(contentOf(1)));
  const before = machine.disk.read("/ledger.json");
  for (
    const [fault, text] of [
      [{ freeBytes: 20 }, "No space left on device (os error 28)"],
      [{ freeBytes: 0 }, "No space left on device (os error 28)"],
      [{ writeErrors: 1 }, "Input/output error (os error 5)"],
      [{ syncErrors: 1 }, "Input/output error (os error 5)"],
      [{ isReadOnly: true }, "Read-only file system (os error 30)"],
      [{ unreadable: ["/ledger.json"] }, "Input/output error (os error 5)"],
    ] as const
  ) {
    using _ = machine.disk.impose(fault);
    await machine.get(async () => {
      const ledger = new LedgerFile("ledger.json");
      const error = await assertRejects(
        async () => {
          await ledger.read();
          await ledger.write(contentOf(2));
        },
        Error,
        text,
      );
      assert(!error.message.includes("\n"));
    });
    assertEquals(machine.disk.read("/ledger.json"), before);
  }
  assertEquals((await machine.get(() => new LedgerFile("ledger.json").read()))?.releases.length, 1);
  assertEquals(machine.disk.paths, ["/ledger.json.lock", "/ledger.json"]);
  assert(machine.events.every((line) => /^(ENOSPC|EIO|EROFS)[ :]/.test(line)), `${machine.events}`);
  assert(machine.events.length >= 6);
});
