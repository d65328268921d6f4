/// <reference lib="deno.unstable" />
import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { KvCheckpointStore, Manifest } from "../../mod.ts";
import type { CheckpointKv } from "../../src/store/mod.ts";
import { assertOneLine, checkpoint } from "../../src/testing/checkpoints/samples.ts";
import { type CheckpointPlace, testCheckpoints } from "../../src/testing/mod.ts";
import { type KvRow, MemoryKv } from "../helpers/memory_kv.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = "fedlab.checkpoints";
const NAME = "run";

async function rowsOf(kv: CheckpointKv, ...prefix: string[]): Promise<KvRow[]> {
  return await Array.fromAsync(kv.list({ prefix: [ROOT, ...prefix] })) as KvRow[];
}

/** Lists the chunks of a round's checkpoint. */
async function chunksOf(
  kv: CheckpointKv,
  round: number,
): Promise<(KvRow & { value: Uint8Array })[]> {
  const { value } = await kv.get([ROOT, NAME, "whole", round]);
  const { id } = value as { id: string };
  return await rowsOf(kv, NAME, "chunk", id) as (KvRow & { value: Uint8Array })[];
}

function placeIn(kv: CheckpointKv): CheckpointPlace {
  return {
    open: (options) => new KvCheckpointStore(kv, NAME, options),
    rounds: async () => (await rowsOf(kv, NAME, "whole")).map(({ key }) => Number(key.at(-1))),
    pathOf: (round) => `kv:${NAME}/round-${String(round).padStart(6, "0")}`,
    alter: async (round) => {
      const last = (await chunksOf(kv, round)).at(-1);
      assert(last !== undefined);
      const value = last.value.map((byte, i) => i === last.value.length - 1 ? byte ^ 1 : byte);
      await kv.atomic().set(last.key, value).commit();
    },
    alterHistory: async () => {
      const [row] = await rowsOf(kv, NAME, "history");
      const last = (await rowsOf(kv, NAME, "chunk", String(row?.key.at(-1)))).at(-1);
      assert(last?.value instanceof Uint8Array);
      const { length } = last.value;
      const value = last.value.map((byte, i) => i === length - 2 ? byte ^ 1 : byte);
      await kv.atomic().set(last.key, value).commit();
    },
  };
}

testCheckpoints("KvCheckpointStore", (test) => test(placeIn(new MemoryKv())));
if ("openKv" in Deno) {
  testCheckpoints("KvCheckpointStore on Deno KV", async (test) => {
    using kv = await Deno.openKv(":memory:");
    await test(placeIn(kv));
  });
}

const MANIFEST = Manifest.of([{ name: "w", shape: [500_000] }]);

/** Makes a checkpoint of 2 MB, whose values are all the number of the round. */
function large(round: number): ReturnType<typeof checkpoint> {
  return checkpoint(round, {
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length).fill(round),
  });
}

/** Makes a store that collects its warnings. */
function watched(kv: CheckpointKv): { store: KvCheckpointStore; warnings: string[] } {
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  return { store: new KvCheckpointStore(kv, NAME, { onWarning }), warnings };
}

/** Asserts that there are only chunks of checkpoints and the entry of the last one. */
async function assertTidy(kv: CheckpointKv, rounds: number[]): Promise<void> {
  const whole = await rowsOf(kv, NAME, "whole");
  assertEquals(whole.map(({ key }) => key.at(-1)), rounds);
  const chunks = await Promise.all(rounds.map((round) => chunksOf(kv, round)));
  assertEquals(
    (await rowsOf(kv)).length,
    1 + whole.length + chunks.reduce((sum, { length }) => sum + length, 0),
  );
}

Deno.test("KvCheckpointStore cuts its bytes into values of at most 64 KiB, and few commits", async () => {
  const kv = new MemoryKv();
  const { store } = watched(kv);
  await store.save(large(1));
  const chunks = await chunksOf(kv, 1);
  assert(chunks.every(({ value }) => value.length <= 65_536));
  // 30.5 values of data and one of the header; 12 to a commit.
  assertEquals(chunks.length, 32);
  assertEquals(kv.commits, 1 + 3 + 1 + 1);
  // Its bytes are those of a safetensors file.
  const [header] = chunks;
  assert(new TextDecoder().decode(header?.value).includes('"__metadata__"'));
});

Deno.test("KvCheckpointStore stopped at any commit holds the former checkpoint whole, and tidies up afterwards", async () => {
  for (let stopAt = 0;; stopAt++) {
    const kv = new MemoryKv();
    await new KvCheckpointStore(kv, NAME, { keep: 1 }).save(large(1));
    await new KvCheckpointStore(kv, NAME, { keep: 1 }).save(large(2));
    let left = stopAt;
    kv.before = (action) => {
      if (action === "commit" && left-- <= 0) throw new Error("the isolate was stopped");
    };
    const stopped = watched(kv);
    // Of the same round: the checkpoint that it replaces must not be lost before.
    const error = await stopped.store.save({ ...large(2), state: { again: true } })
      .then(() => undefined, (error: Error) => error);
    kv.before = () => {};
    const { store, warnings } = watched(kv);
    const found = await store.latest();
    assertEquals(found?.round, 2);
    assert(found?.parameters.every((value) => value === 2));
    assertEquals(warnings, []);
    if (error !== undefined) {
      assertOneLine(error.message, "Cannot save checkpoint kv:run/round-000002: the isolate was");
      assertEquals(found?.state, { seed: 7, round: 2 });
    } else assertEquals(found?.state, { again: true });
    await store.save(large(3));
    await assertTidy(kv, [2, 3]);
    if (error === undefined && stopped.warnings.length === 0) {
      assert(stopAt > 6, `expected several commits, got ${stopAt}`);
      return;
    }
  }
});

Deno.test("KvCheckpointStore.latest() passes over one that lacks any of its chunks, or has a broken one", async () => {
  const kv = new MemoryKv();
  const { store, warnings } = watched(kv);
  await store.save(large(1));
  await store.save(large(2));
  const chunks = await chunksOf(kv, 2);
  for (const [i, { key, value }] of chunks.entries()) {
    const broken = [undefined, "text", new Uint8Array(), value.subarray(1), value.with(7, 99)];
    for (const instead of broken) {
      const commit = kv.atomic();
      await (instead === undefined ? commit.delete(key) : commit.set(key, instead)).commit();
      assertEquals((await store.latest())?.round, 1, `chunk ${i}`);
      assertOneLine(warnings.pop() ?? "", "Cannot read checkpoint kv:run/round-000002: ");
      assertEquals(warnings, []);
    }
    await kv.atomic().set(key, value).commit();
  }
  assertEquals((await store.latest())?.round, 2);
});

Deno.test("KvCheckpointStore passes over an entry that is none, or tells of another checkpoint", async () => {
  const kv = new MemoryKv();
  const { store, warnings } = watched(kv);
  await store.save(checkpoint(1));
  await store.save(checkpoint(2));
  const key = [ROOT, NAME, "whole", 2];
  const { value: one } = await kv.get([ROOT, NAME, "whole", 1]);
  const { value } = await kv.get(key);
  assert(typeof value === "object" && typeof one === "object");
  const strange = [
    7,
    "text",
    { ...value, bytes: -1 },
    { ...one, sequence: 2 },
    { ...value, ...one, round: 2, sequence: 9 },
    { ...value, bytes: 1 },
  ];
  for (const instead of strange) {
    await kv.atomic().set(key, instead).commit();
    assertEquals((await store.latest())?.round, 1);
    assertOneLine(warnings.pop() ?? "", "Cannot read checkpoint kv:run/round-000002: expected");
    assertEquals(warnings, []);
  }
});

Deno.test("KvCheckpointStore.latest() rejects when the store fails, and does not pass for an empty one", async () => {
  const kv = new MemoryKv();
  const { store, warnings } = watched(kv);
  await store.save(large(1));
  for (const reads of [0, 1, 5]) {
    let left = reads;
    kv.before = () => {
      if (left-- <= 0) throw new Error("the database is gone");
    };
    const { message } = await assertRejects(() => store.latest(), Error);
    assertEquals(message, "Cannot read checkpoints in kv:run: the database is gone");
  }
  assertEquals(warnings, []);
});

Deno.test("KvCheckpointStore: a save that another server's save interrupts fails and leaves nothing", async () => {
  const kv = new MemoryKv();
  const { store } = watched(kv);
  await store.save(large(1));
  let commits = 0;
  let other: Promise<string> | undefined;
  kv.before = (action) => {
    if (action === "commit" && ++commits === 3) other = watched(kv).store.save(large(2));
  };
  const { message } = await assertRejects(() => store.save(large(3)), Error);
  assertOneLine(message, "kv:run/round-000003: another server goes on with this run");
  assertEquals(await other, "kv:run/round-000002");
  await assertTidy(kv, [1, 2]);
});

Deno.test("KvCheckpointStore keeps runs of different names apart", async () => {
  const kv = new MemoryKv();
  const stores = ["a", "b", "a/b"].map((name) => new KvCheckpointStore(kv, name, { keep: 1 }));
  for (let round = 1; round < 4; round++) {
    await Promise.all(stores.map((store, i) => store.save(checkpoint(round * 10 + i))));
  }
  const found = await Promise.all(stores.map((store) => store.latest()));
  assertEquals(found.map((one) => one?.round), [30, 31, 32]);
});

Deno.test("KvCheckpointStore: of two servers that go on with a run the first that saves has it", async () => {
  const kv = new MemoryKv();
  for (const before of [0, 1]) {
    const [first, second] = [watched(kv).store, watched(kv).store];
    for (const store of [first, second]) assertEquals((await store.latest())?.round ?? 0, before);
    await first.save(checkpoint(before + 1));
    // The second has trained as long, with other clients.
    const error = await assertRejects(() => second.save(checkpoint(before + 1)), Error);
    assertOneLine(error.message, "another server goes on with this run");
    await assertRejects(() => second.save(checkpoint(before + 2)), Error);
    await assertTidy(kv, before === 0 ? [1] : [1, 2]);
    // Nor does it disturb the first while that saves.
    let late: Promise<unknown> | undefined;
    let commits = 0;
    kv.before = (action) => {
      if (action === "commit" && ++commits === 2) late = second.save(checkpoint(9)).catch((e) => e);
    };
    await first.save(checkpoint(before + 1));
    assert(await late instanceof Error);
    kv.before = () => {};
    // It can have the run only by continuing from the checkpoint of the other.
    if (before === 0) continue;
    assertEquals((await second.latest())?.round, 2);
    await second.save(checkpoint(3));
    await assertRejects(() => first.save(checkpoint(3)), Error);
  }
});

/** Begins a save, holds it before its n-th commit, and continues after another save. */
async function overlap(
  kv: MemoryKv,
  n: number,
  held: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<PromiseSettledResult<unknown>[]> {
  const [isHeld, isThrough] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let commits = 0;
  kv.before = (action) => {
    if (action !== "commit" || ++commits < n) return;
    kv.before = () => {};
    isHeld.resolve();
    return isThrough.promise;
  };
  const first = held();
  await isHeld.promise;
  const second = await Promise.allSettled([other()]);
  isThrough.resolve();
  return [...await Promise.allSettled([first]), ...second];
}

Deno.test("KvCheckpointStore: a save that was held anywhere while another was made fails, and harms nothing", async () => {
  for (let commit = 1; commit <= 6; commit++) {
    for (const round of [2, 3]) {
      const kv = new MemoryKv();
      const [first, second] = [watched(kv).store, watched(kv).store];
      await first.save(large(1));
      await second.latest();
      const [slow, quick] = await overlap(
        kv,
        commit,
        () => first.save(large(2)),
        () => second.save(large(round)),
      );
      assertEquals([slow?.status, quick?.status], ["rejected", "fulfilled"]);
      const { store, warnings } = watched(kv);
      const found = await store.latest();
      assertEquals(found?.round, round);
      assert(found?.parameters.every((value) => value === round));
      assertEquals(warnings, []);
      await store.save(large(4));
      await assertTidy(kv, [1, round, 4]);
    }
  }
});

Deno.test("KvCheckpointStore does not sweep what has become a checkpoint meanwhile", async () => {
  const kv = new MemoryKv();
  const [first, second] = [watched(kv).store, watched(kv).store];
  await first.save(large(1));
  await second.latest();
  const [reached, gates] = [0, 1].map(() => [0, 1].map(() => Promise.withResolvers<void>()));
  assert(reached !== undefined && gates !== undefined);
  // The commit of the checkpoint, then the one with which the other locks the loose chunks.
  let commits = 0;
  kv.before = (action) => {
    const gate = action === "commit" ? ++commits - 6 : -1;
    reached[gate]?.resolve();
    return gates[gate]?.promise;
  };
  const saving = first.save(large(2));
  await reached[0]?.promise;
  const sweeping = assertRejects(() => second.save(large(3)), Error, "another server goes on");
  await reached[1]?.promise;
  gates[0]?.resolve();
  await saving;
  gates[1]?.resolve();
  await sweeping;
  const { store, warnings } = watched(kv);
  assertEquals((await store.latest())?.round, 2);
  assertEquals(warnings, []);
});

/** Counts the bytes of the values that a function writes. */
async function written(kv: MemoryKv, work: () => Promise<unknown>): Promise<number> {
  const before = new Map(
    (await rowsOf(kv)).map(({ key, versionstamp }) => [`${key}`, versionstamp]),
  );
  await work();
  return (await rowsOf(kv)).filter(({ key, versionstamp }) => before.get(`${key}`) !== versionstamp)
    .reduce((sum, { value }) => sum + (value instanceof Uint8Array ? value.length : 0), 0);
}

Deno.test("KvCheckpointStore writes as much in round 300 as in round 30, also after it has been read", async () => {
  const kv = new MemoryKv();
  let { store } = watched(kv);
  const history: unknown[] = [];
  const costs: number[] = [];
  for (let round = 1; round <= 300; round++) {
    history.push({ round, text: "a".repeat(300) });
    if (round === 200) {
      ({ store } = watched(kv));
      const found = await store.latest();
      history.splice(0, 199, ...found?.history ?? []);
    }
    costs.push(await written(kv, () => store.save(checkpoint(round, { history }))));
  }
  const before = costs[29] ?? 0;
  for (const cost of costs.slice(30)) assert(cost <= before + 16, `${cost} against ${before}`);
  assertEquals((await watched(kv).store.latest())?.history, history);
});

Deno.test("KvCheckpointStore keeps a history of megabytes, stopped at any commit, and leaves nothing of it behind", async () => {
  const long = (rounds: number) =>
    Array.from({ length: rounds }, (_, i) => ({ round: i + 1, text: "x".repeat(100_000) }));
  for (let stopAt = 0;; stopAt++) {
    const kv = new MemoryKv();
    await new KvCheckpointStore(kv, NAME, { keep: 1 }).save(checkpoint(9, { history: long(9) }));
    let left = stopAt;
    kv.before = (action) => {
      if (action === "commit" && left-- <= 0) throw new Error("the isolate was stopped");
    };
    const stopped = watched(kv);
    const error = await stopped.store.save(checkpoint(12, { history: long(12) }))
      .then(() => undefined, (error: Error) => error);
    kv.before = () => {};
    const { store } = watched(kv);
    const rounds = error === undefined ? 12 : 9;
    assertEquals((await store.latest())?.history, long(rounds));
    const last = new KvCheckpointStore(kv, NAME, { keep: 1 });
    await last.save(checkpoint(13, { history: long(2) }));
    const chunks = (await rowsOf(kv, NAME, "chunk")).map(({ key }) => key[3]);
    assertEquals(new Set(chunks).size, 2, "a checkpoint and its history");
    assertEquals((await rowsOf(kv, NAME, "history")).length, 1);
    assertEquals((await rowsOf(kv, NAME, "loose")).length, 0);
    if (error === undefined && stopped.warnings.length === 0) {
      assert(stopAt > 5, `expected several commits, got ${stopAt}`);
      return;
    }
  }
});

Deno.test("KvCheckpointStore goes on when the store took a save and said otherwise", async () => {
  const kv = new MemoryKv();
  const { store } = watched(kv);
  const history = [{ round: 1 }];
  await store.save(checkpoint(1, { history }));
  const { atomic } = kv;
  let fails = true;
  kv.atomic = () => {
    const commit = atomic.call(kv);
    const own = commit.commit.bind(commit);
    commit.commit = async () => {
      const done = await own();
      const { value } = await kv.get([ROOT, NAME, "whole", 2]);
      if (fails && value !== null) throw new Error("the answer was lost");
      return done;
    };
    return commit;
  };
  history.push({ round: 2 });
  await assertRejects(() => store.save(checkpoint(2, { history })), Error, "the answer was lost");
  fails = false;
  history.push({ round: 3 });
  await store.save(checkpoint(3, { history }));
  assertEquals((await watched(kv).store.latest())?.history, history);
});
