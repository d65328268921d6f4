import { assertEquals } from "../deps.ts";
import type { CheckpointTests } from "./place.ts";
import { checkpoint } from "./samples.ts";

/** Tests the account that survives each checkpoint. */
export function testAccount({ test }: CheckpointTests): void {
  test("gives the account that was saved last, whichever checkpoint is left", async (place) => {
    const store = place.open({ keep: 3 });
    for (let round = 1; round <= 3; round++) {
      await store.save(checkpoint(round, { score: -round, account: { told: round } }));
    }
    for (const from of [store, place.open()]) {
      assertEquals((await from.latest())?.account, { told: 3 });
      const best = await from.best();
      assertEquals([best?.round, best?.account], [1, { told: 3 }]);
    }
    await place.alter(3);
    await place.alter(2);
    const again = place.open();
    const left = await again.latest();
    assertEquals([left?.round, left?.account], [1, { told: 3 }]);
    // A save without an account leaves the one there is.
    await again.save(checkpoint(2));
    assertEquals((await place.open().latest())?.account, { told: 3 });
  });

  test("keeps an account of a megabyte, and replaces it", async (place) => {
    const account = (told: number) => ({ told, clients: "ü".repeat(500_000) });
    for (const told of [1, 2]) {
      await place.open().save(checkpoint(told, { account: account(told) }));
      assertEquals((await place.open().latest())?.account, account(told));
    }
    await place.open().save(checkpoint(3, { account: [] }));
    assertEquals((await place.open().latest())?.account, []);
  });
}
