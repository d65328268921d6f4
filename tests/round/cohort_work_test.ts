import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { CohortCollector } from "../../src/round/cohort/cohort_collector.ts";
import { RankWaits } from "../../src/round/cohort/rank_waits.ts";
import { countLookups } from "../helpers/count_lookups.ts";

/** Lookups for each rank of a cohort, whose ranks answer in the order that `order` returns. */
async function lookupsPerRank(
  size: number,
  options: { window: number; enough?: number },
  order: (cohort: number[]) => number[],
): Promise<number> {
  const cohort = Array.from({ length: size }, (_, i) => i + 1);
  const ranks = order([...cohort]);
  const collector = new CohortCollector(1, cohort, options);
  const count = await countLookups(async () => {
    const answers = ranks.map(async (rank) => {
      if (!await collector.admit(rank)) return;
      collector.markReading(rank);
      collector.markComplete(rank);
      if (await collector.waitForTurn(rank)) collector.settle(rank, "received");
      collector.count("received");
    });
    await Promise.all([...answers, collector.allSettled()]);
  });
  assertEquals(collector.count("received"), options.enough ?? size);
  return count / size;
}

for (const window of [1, 4, 1000, 8000]) {
  Deno.test(`CohortCollector does no more work a rank in a larger cohort, with a window of ${window}`, async () => {
    for (const order of [(ranks: number[]) => ranks, (ranks: number[]) => ranks.reverse()]) {
      const small = await lookupsPerRank(500, { window }, order);
      const large = await lookupsPerRank(8000, { window }, order);
      assert(large < 1.5 * small, `${small} lookups a rank of 500, ${large} a rank of 8,000`);
    }
  });
}

Deno.test("CohortCollector does no more work a rank in a larger cohort of which half are enough", async () => {
  const [small, large] = [
    await lookupsPerRank(500, { window: 500, enough: 250 }, (ranks) => ranks),
    await lookupsPerRank(8000, { window: 8000, enough: 4000 }, (ranks) => ranks),
  ];
  assert(large < 1.5 * small, `${small} lookups a rank of 500, ${large} a rank of 8,000`);
});

Deno.test("RankWaits has only the woken rank look at its condition", async () => {
  const waits = new RankWaits();
  const looks = new Map<number, number>();
  let open = 0;
  const waiting = [1, 2, 3].map((rank) =>
    waits.until(rank, () => {
      looks.set(rank, (looks.get(rank) ?? 0) + 1);
      return open >= rank;
    })
  );
  open = 3;
  waits.wake(2);
  await waiting[1];
  assertEquals([...looks], [[1, 1], [2, 2], [3, 1]]);
  waits.wake(1);
  waits.wake(3);
  await Promise.all(waiting);
});
