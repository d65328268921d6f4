/// <reference lib="deno.unstable" />
import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import { DatabaseSync } from "node:sqlite";
import { KvCheckpointStore, Manifest } from "../../mod.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = Manifest.of([{ name: "w", shape: [40_000] }]);

/** Makes a checkpoint of three chunks. */
function checkpoint(round: number) {
  return { manifest: MANIFEST, parameters: new Float32Array(40_000).fill(round), round, state: {} };
}

/** Breaks the values whose key has a word: all of them, or only the n-th. Gives their number. */
function spoil(path: string, word: string, nth?: number): number {
  using database = new DatabaseSync(path);
  const pattern = `%${new TextEncoder().encode(word).toHex()}%`;
  const rows = database.prepare("select k from kv where hex(k) like upper(?) order by k")
    .all(pattern).filter((_, i) => nth === undefined || i === nth);
  for (const { k } of rows) {
    database.prepare("update kv set v = x'fe', v_encoding = 1 where k = ?").run(k as Uint8Array);
  }
  return rows.length;
}

/**
 * Saves three rounds in Deno KV, changes the file (given the id of the newest checkpoint), and
 * opens it again.
 */
async function withRun(
  change: (path: string, newest: string) => void,
  test: (store: KvCheckpointStore, warnings: string[]) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const path = `${folder}/kv`;
    let newest = "";
    {
      using kv = await Deno.openKv(path);
      const store = new KvCheckpointStore(kv, "run");
      for (const round of [1, 2, 3]) await store.save(checkpoint(round));
      const { value } = await kv.get<{ id: string }>(["fedlab.checkpoints", "run", "whole", 3]);
      newest = value?.id ?? "";
    }
    change(path, newest);
    using kv = await Deno.openKv(path);
    const warnings: string[] = [];
    await test(
      new KvCheckpointStore(kv, "run", { onWarning: (message) => warnings.push(message) }),
      warnings,
    );
  });
}

for (const [which, nth, newest] of [["first", 0, 3], ["middle", 1, 3], ["last", 2, 2]] as const) {
  Deno.test(`KvCheckpointStore passes over an undecodable entry, the ${which} of three, and goes on`, () =>
    withRun((path) => assertEquals(spoil(path, "whole", nth), 1), async (store, warnings) => {
      assertEquals((await store.latest())?.round, newest);
      assert(warnings.length > 0);
      assertMatch(warnings[0] ?? "", /^Cannot read a value of kv:run\/whole: .*; passing it over$/);
      // The last one is replaced when its round is repeated.
      await store.save(checkpoint(newest + 1));
      assertEquals((await store.latest())?.round, newest + 1);
      await store.save(checkpoint(newest + 2));
      assertEquals((await store.latest())?.parameters[0], newest + 2);
    }));
}

for (const nth of [0, 1, 2, 3]) {
  Deno.test(`KvCheckpointStore passes over a checkpoint whose chunk ${nth} cannot be decoded`, () =>
    withRun(
      (path, newest) => assertEquals(spoil(path, newest, nth), 1),
      async (store, warnings) => {
        assertEquals((await store.latest())?.round, 2);
        assert(
          warnings.some((line) => /round-000003: expected chunk .*passing it over/.test(line)),
        );
        await store.save(checkpoint(3));
        assertEquals((await store.latest())?.round, 3);
      },
    ));
}

Deno.test("KvCheckpointStore goes on where the head cannot be decoded", async () => {
  await withRun((path) => assertEquals(spoil(path, "head"), 1), async (store) => {
    assertEquals((await store.latest())?.round, 3);
    await store.save(checkpoint(4));
    await store.save(checkpoint(5));
    assertEquals((await store.latest())?.round, 5);
  });
});

Deno.test("KvCheckpointStore tells of a run of which nothing can be decoded, and finds nothing", () =>
  withRun((path) => {
    assertEquals(spoil(path, "whole"), 3);
  }, async (store, warnings) => {
    assertEquals(await store.latest(), undefined);
    assert(warnings.length > 0);
  }));

Deno.test("KvCheckpointStore fails where the store itself does, and passes nothing over", async () => {
  const warnings: string[] = [];
  const fails = () => Promise.reject(new Error("no network"));
  const store = new KvCheckpointStore(
    {
      get: fails,
      list: () => ({ [Symbol.asyncIterator]: () => ({ next: fails }) }),
      atomic: () => {
        throw new Error("no network");
      },
    },
    "run",
    { onWarning: (message) => warnings.push(message) },
  );
  await assertRejects(() => store.latest(), Error, "no network");
  await assertRejects(() => store.save(checkpoint(1)), Error, "no network");
  assertEquals(warnings, []);
});
