import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import type { KeptUpdate } from "../../../src/server/uploads/kept_update.ts";
import { SpillFile } from "../../../src/server/uploads/spill_file.ts";
import { UpdateStore } from "../../../src/server/uploads/update_store.ts";
import { WaitingUpdates } from "../../../src/server/uploads/waiting_updates.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const PIECE = 64 * 1024;
const SIZE = 3 * PIECE + 100;

/** Puts bytes in, as a connection does. */
async function fill(kept: KeptUpdate, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const room = await kept.room();
    assert(room !== undefined && room.length > 0);
    const part = bytes.subarray(at, at + Math.min(room.length, 10_000));
    room.set(part);
    kept.filled(part.length);
    at += part.length;
  }
  await kept.finish();
}

Deno.test("UpdateStore keeps no more than its memory, and the rest in the file", async () => {
  const folder = await Deno.makeTempDir();
  {
    await using file = new SpillFile({
      folder,
      placeBytes: SIZE,
      onFailure: (line) => assert(false, line),
    });
    const memoryBytes = 4 * SIZE, store = new UpdateStore(memoryBytes, SIZE, file);
    const bodies = Array.from(
      { length: 10 },
      (_, i) => Uint8Array.from({ length: SIZE - i }, (_, at) => at * (i + 3)),
    );
    const kept: KeptUpdate[] = [];
    for (const body of bodies) {
      const update = store.keep(body.length);
      assert(update !== undefined);
      await fill(update, body);
      kept.push(update);
      assert(store.usedBytes <= memoryBytes);
    }
    // Three are in memory, and the others need none any more.
    assertEquals(store.usedBytes, SIZE + SIZE - 1 + SIZE - 2);
    assertEquals(
      file.bytesWritten,
      bodies.slice(3).reduce((sum, { length }) => sum + length, 0),
    );
    for (const [i, update] of kept.entries()) {
      const into = new Uint8Array(SIZE);
      await update.load(into);
      assertEquals(into.subarray(0, SIZE - i), bodies[i]);
      update.release();
      update.release();
    }
    assertEquals(store.usedBytes, 0);
  }
  await Deno.remove(folder);
});

Deno.test("UpdateStore without a file keeps no more than fits into its memory", () => {
  const store = new UpdateStore(2 * SIZE, SIZE);
  const first = store.keep(SIZE);
  assert(first !== undefined && store.keep(SIZE) !== undefined);
  assertEquals(store.keep(1), undefined);
  first.release();
  assert(store.keep(SIZE) !== undefined);
});

Deno.test("WaitingUpdates keeps those that have waited since the last look, unless the server is busy", () => {
  const clock = { now: 0, traffic: 0 };
  const store = new UpdateStore(2 * 100, 100);
  using waiting = new WaitingUpdates({
    keep: (size) => store.keep(size),
    traffic: () => clock.traffic,
    now: () => clock.now,
  });
  const kept: number[] = [];
  const updates = Array.from({ length: 4 }, () => ({ size: 100, received: 0 }));
  const add = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const update = updates[i];
      if (update !== undefined) waiting.add(update, () => kept.push(i));
    }
  };
  add(0, 3);
  clock.now = 200;
  // 256 MB/s and more: the links are not the limit.
  clock.traffic = 60e6;
  waiting.look();
  assertEquals(kept, []);
  add(3, 4);
  const [first] = updates;
  if (first !== undefined) waiting.remove(first);
  clock.now = 400;
  clock.traffic += 1e6;
  waiting.look();
  // The first is read by now, and the last has waited for less than a look.
  assertEquals(kept, [1, 2]);
  clock.now = 600;
  waiting.look();
  // There is no more room.
  assertEquals(kept, [1, 2]);
});
