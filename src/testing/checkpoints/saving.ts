import { Manifest } from "../../params/manifest.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../deps.ts";
import { largeCheckpoint } from "./large.ts";
import type { CheckpointTests } from "./place.ts";
import { assertOneLine, bitsOf, checkpoint, MANIFEST } from "./samples.ts";

/** Tests that a store keeps and finds checkpoints. */
export function testSaving({ test }: CheckpointTests): void {
  test("gives back what was saved, bit for bit", async (place) => {
    const bits = new Uint32Array(MANIFEST.length);
    // A quiet and a signalling NaN with payloads, -0, the infinities, the smallest subnormal.
    bits.set([0x7FC12345, 0x7F812345, 0x80000000, 0x7F800000, 0xFF800000, 1]);
    const saved = checkpoint(12, {
      parameters: new Float32Array(bits.buffer),
      state: { seed: 7, tokens: [[1, 'ü\n"\\\u2028']], nested: { none: null, "__proto__x": [] } },
      score: -1 / 3,
    });
    const store = place.open();
    assertEquals(await store.latest(), undefined);
    assertEquals(await store.best(), undefined);
    assertEquals(await store.save(saved), place.pathOf(12));
    for (const found of [await store.latest(), await place.open().best()]) {
      assert(found !== undefined);
      assertEquals(bitsOf(found), [...bits]);
      assertEquals(found.manifest.tensors, MANIFEST.tensors);
      const { manifest: _m, parameters: _p, ...rest } = found;
      assertEquals(rest, { round: 12, state: saved.state, score: -1 / 3 });
    }
  });

  test("keeps 10 MB that are a part of a larger buffer, and a state of 200 kB", async (place) => {
    const manifest = Manifest.of([{ name: "w", shape: [2_500_000] }]);
    const whole = Float32Array.from({ length: manifest.length + 9 }, (_, i) => i);
    const state = { text: "ü".repeat(100_000) };
    await place.open().save({ manifest, parameters: whole.subarray(5, -4), round: 1, state });
    const found = await place.open().latest();
    assertEquals(found?.parameters.length, manifest.length);
    assert(found?.parameters.every((value, i) => value === i + 5));
    assertEquals(found?.state, state);
  });

  test("keeps the last ones and the best one, also after a restart", async (place) => {
    const scores = [0.1, 0.9, 0.3, 0.9, 0.2, 0.5, 0.4];
    for (const [i, score] of scores.entries()) {
      await place.open({ keep: 2 }).save(checkpoint(i + 1, { score }));
    }
    assertEquals(await place.rounds(), [4, 6, 7]);
    const store = place.open({ keep: 2 });
    assertEquals((await store.best())?.round, 4);
    assertEquals((await store.latest())?.round, 7);
    await store.save(checkpoint(8, { score: 0.95 }));
    await store.save(checkpoint(9, { score: NaN }));
    await store.save(checkpoint(10));
    await store.save(checkpoint(11, { score: -Infinity }));
    assertEquals(await place.rounds(), [8, 10, 11]);
    assertEquals((await store.best())?.round, 8);
  });

  test("keeps three where nothing else is said, and no best one without scores", async (place) => {
    const store = place.open();
    for (let round = 0; round < 6; round++) await store.save(checkpoint(round));
    assertEquals(await place.rounds(), [3, 4, 5]);
    assertEquals(await store.best(), undefined);
  });

  test("goes on from an earlier round: the newest is the one saved last", async (place) => {
    for (const round of [7, 8, 9]) await place.open().save(checkpoint(round));
    const store = place.open({ keep: 2 });
    await store.save(checkpoint(2));
    assertEquals((await store.latest())?.round, 2);
    await store.save(checkpoint(8, { state: { again: true } }));
    assertEquals(await place.rounds(), [2, 8]);
    assertEquals((await store.latest())?.state, { again: true });
  });

  test("passes over an altered one with a warning, and uses the one before", async (place) => {
    const warnings: string[] = [];
    const store = place.open({ onWarning: (message) => warnings.push(message) });
    await store.save(checkpoint(1, { score: 1 }));
    await store.save(checkpoint(2, { score: 2 }));
    await place.alter(2);
    assertEquals((await store.latest())?.round, 1);
    assertEquals((await store.best())?.round, 1);
    assertEquals(warnings.length, 2);
    for (const warning of warnings) {
      assertOneLine(warning, `Cannot read checkpoint ${place.pathOf(2)}: expected the data`);
    }
    await store.save(checkpoint(2));
    assertEquals((await store.latest())?.round, 2);
  });

  test("keeps further vectors beside the model's tensors", async (place) => {
    const vectors = {
      "strategy/momentum": Float32Array.from({ length: MANIFEST.length }, (_, i) => i / 3),
      "strategy/few": new Float32Array([-0, 7]),
      "strategy/none": new Float32Array(),
    };
    await place.open().save(checkpoint(0));
    assertEquals((await place.open().latest())?.vectors, undefined);
    const store = place.open();
    await store.save(checkpoint(1, { vectors }));
    const read = await place.open().latest();
    assertEquals(read?.vectors, vectors);
    assertEquals(read?.parameters, checkpoint(1).parameters);
    assertEquals(await read?.manifest.digest(), await MANIFEST.digest());
    await assertRejects(
      () => store.save(checkpoint(2, { vectors: { "dense/kernel": new Float32Array(1) } })),
      RangeError,
      "stands twice",
    );
  });

  test("holds whole checkpoints whatever two of them do at once", async (place) => {
    const stores = [place.open(), place.open()];
    const saves: Promise<string>[] = [];
    for (let i = 0; i < 20; i++) {
      for (const store of stores) saves.push(store.save(largeCheckpoint(1 + i % 4)));
    }
    // A save may fail that another one's cleaning hit, but only with its own error.
    for (const result of await Promise.allSettled(saves)) {
      if (result.status === "rejected") {
        assertOneLine(result.reason.message, "Cannot save checkpoint");
      }
    }
    const warnings: string[] = [];
    const store = place.open({ onWarning: (message) => warnings.push(message) });
    await store.save(largeCheckpoint(9));
    const found = await store.latest();
    assert(found !== undefined);
    assertEquals(bitsOf(found), bitsOf(largeCheckpoint(found.round)));
    assertEquals(warnings, []);
  });

  test("refuses what is no checkpoint with an error of the right kind", async (place) => {
    assertThrows(() => place.open({ keep: 0 }), RangeError, "at least 1, got 0");
    const store = place.open();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const cases: [Checkpoint, typeof TypeError | typeof RangeError, string][] = [
      [checkpoint(-1), RangeError, "a round that is a whole number from 0, got -1"],
      [checkpoint(1.5), RangeError, "got 1.5"],
      [checkpoint(1, { parameters: new Float32Array(2) }), RangeError, "expected 17 values, got 2"],
      [checkpoint(1, { state: circular }), TypeError, "as a JSON object: Converting circular"],
      [checkpoint(1, { state: { big: 1n } }), TypeError, "BigInt"],
      [checkpoint(1, { state: { toJSON: () => "text" } }), TypeError, 'got "text"'],
    ];
    for (const [bad, kind, message] of cases) {
      assertOneLine((await assertRejects(() => store.save(bad), kind, message)).message);
    }
    assertEquals(await store.latest(), undefined);
  });
}
