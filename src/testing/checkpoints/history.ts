import { assertEquals, assertRejects } from "../deps.ts";
import type { CheckpointTests } from "./place.ts";
import { assertOneLine, checkpoint, historyOf } from "./samples.ts";

/** Tests the history that checkpoints share. */
export function testHistory({ test }: CheckpointTests): void {
  test("keeps a history once, of which each checkpoint has its part", async (place) => {
    const history = historyOf(6);
    for (let round = 1; round <= 3; round++) {
      const own = { score: -round, history: history.slice(0, round) };
      await place.open().save(checkpoint(round, own));
    }
    const store = place.open();
    const live = history.slice(0, 3);
    for (let round = 4; round <= 6; round++) {
      live.push(history[round - 1]);
      await store.save(checkpoint(round, { score: -round, history: live }));
    }
    for (const place_ of [store, place.open()]) {
      assertEquals((await place_.latest())?.history, history);
      assertEquals((await place_.best())?.history, history.slice(0, 1));
    }
    await place.open().save(checkpoint(7, { history: [] }));
    assertEquals((await place.open().latest())?.history, []);
    await place.open().save(checkpoint(8));
    assertEquals((await place.open().latest())?.history, undefined);
  });

  test("goes on from what it has read, and writes anew what is another", async (place) => {
    await place.open().save(checkpoint(3, { history: historyOf(3) }));
    for (const reader of [place.open(), undefined]) {
      const store = reader ?? place.open();
      const history = [...(await (reader ?? place.open()).latest())?.history ?? []];
      // The last one is replaced: its evaluation was still to come.
      history[history.length - 1] = { round: history.length, accuracy: 0.5 };
      await store.save(checkpoint(history.length, { history }));
      assertEquals((await place.open().latest())?.history, history);
      history.push({ round: history.length + 1 });
      await store.save(checkpoint(history.length, { history }));
      assertEquals((await place.open().latest())?.history, history);
    }
    const other = historyOf(2, { another: true });
    await place.open({ keep: 1 }).save(checkpoint(2, { history: other }));
    assertEquals((await place.open().latest())?.history, other);
  });

  test("cuts off what a history has of rounds that are made again", async (place) => {
    const history = historyOf(5);
    const store = place.open({ keep: 5 });
    for (let round = 1; round <= 5; round++) {
      await store.save(checkpoint(round, { history: history.slice(0, round) }));
    }
    await place.alter(5);
    await place.alter(4);
    const again = place.open();
    const resumed = await again.latest();
    assertEquals(resumed?.history, history.slice(0, 3));
    const anew = [...resumed?.history ?? [], { round: 4, anew: true }];
    await again.save(checkpoint(4, { history: anew }));
    assertEquals((await place.open().latest())?.history, anew);
  });

  test("passes over a checkpoint whose history is altered, and uses the one before", async (place) => {
    const warnings: string[] = [];
    const store = place.open({ onWarning: (message) => warnings.push(message) });
    const history: unknown[] = [];
    for (const entry of historyOf(3)) {
      history.push(entry);
      await store.save(checkpoint(history.length, { history, score: history.length }));
    }
    await place.alterHistory();
    for (const found of [await store.latest(), await store.best()]) {
      assertEquals(found?.round, 2);
      assertEquals(found?.history, history.slice(0, 2));
    }
    assertEquals(warnings.length, 2);
    for (const warning of warnings) {
      assertOneLine(warning, `Cannot read checkpoint ${place.pathOf(3)}: expected the history`);
    }
    const error = await assertRejects(
      () => store.save(checkpoint(4, { history: [undefined] })),
      Error,
      "a history that can be written as JSON",
    );
    assertOneLine(error.message);
  });
}
