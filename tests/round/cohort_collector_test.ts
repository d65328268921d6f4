import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../mod.ts";
import { CohortCollector } from "../../src/round/cohort/cohort_collector.ts";

/** Returns `true` if a result is there once all pending callbacks have run. */
async function isSettled(result: unknown): Promise<boolean> {
  let settled = false;
  Promise.resolve(result).then(() => settled = true);
  await new Promise<void>((resolve) => setTimeout(resolve));
  return settled;
}

Deno.test("CohortCollector admits only the next ranks of the window", async () => {
  const collector = new CohortCollector(1, [9, 3, 5, 7], { window: 2 });
  assert(await collector.admit(3));
  assert(await collector.admit(5));
  const seventh = collector.admit(7);
  assert(!await isSettled(seventh));
  collector.settle(3, "received");
  assert(await seventh);
});

Deno.test("CohortCollector gives turns in rank order, past ranks that are gone", async () => {
  const collector = new CohortCollector(1, [1, 2, 3], { window: 3 });
  const third = collector.waitForTurn(3);
  collector.settle(2, "dropped", "it left");
  assert(!await isSettled(third));
  assert(await collector.waitForTurn(1));
  collector.settle(1, "received");
  assert(await third);
  collector.settle(3, "received");
  await collector.allSettled();
  assertEquals(collector.absences, [{ rank: 2, reason: "it left", isExcused: false }]);
  assertEquals([collector.count("received"), collector.count("dropped")], [2, 1]);
});

Deno.test("CohortCollector lets nobody wait whose part has ended", async () => {
  const collector = new CohortCollector(1, [1, 2, 3], { window: 1 });
  const waits = [collector.admit(3), collector.waitForTurn(2)];
  collector.settle(3, "dropped");
  collector.settle(2, "dropped");
  assertEquals(await Promise.all(waits), [false, false]);
  assert(!await collector.admit(4));
});

Deno.test("Intake: the first word on a rank counts", () => {
  const collector = new CohortCollector(1, [1, 2], { window: 2 });
  collector.settle(1, "dropped", "late");
  collector.settle(1, "received");
  collector.settle(7, "received");
  assertEquals(collector.outcome(1), "dropped");
  assertEquals(collector.count("received"), 0);
});

/** Makes a collector with a clock that the test sets, in milliseconds. */
function timedCollector(cohort: number[], options: { window: number; enough?: number }) {
  const clock = { now: 0 };
  return { clock, collector: new CohortCollector(1, cohort, { ...options, now: () => clock.now }) };
}

/** Body of an update of 100 bytes of which `received` were received. */
function incoming(received: number) {
  return { size: 100, received };
}

const ranksOf = (losses: { rank: number }[]) => losses.map(({ rank }) => rank);

Deno.test("Intake: at the deadline those are late of whose update bytes are missing, whoever has begun", async () => {
  const { clock, collector } = timedCollector([1, 2, 3, 4], { window: 4 });
  assert(await collector.admit(1, incoming(16)));
  collector.markReading(1);
  assert(await collector.admit(2, incoming(100)));
  collector.markReading(2);
  collector.markComplete(2);
  assertEquals(collector.millisToDeadline(5), 5000);
  clock.now = 4999;
  assertEquals(collector.overdue(5), []);
  clock.now = 5000;
  assertEquals(collector.overdue(5), [
    { rank: 1, reason: "only 16 of the 100 bytes of its update came in time", isReading: true },
    { rank: 3, reason: "no answer within 5 seconds", isReading: false },
    { rank: 4, reason: "no answer within 5 seconds", isReading: false },
  ]);
});

Deno.test("Intake: who waits for its place is never late, and gets that time back", async () => {
  const { clock, collector } = timedCollector([1, 2, 3], { window: 1 });
  assert(await collector.admit(1, incoming(16)));
  collector.markReading(1);
  clock.now = 100;
  const second = collector.admit(2, incoming(0)), third = collector.admit(3, incoming(0));
  assert(!await isSettled(Promise.race([second, third])));
  clock.now = 5000;
  assertEquals(ranksOf(collector.overdue(5)), [1]);
  collector.settle(1, "dropped", "too late");
  assert(await second);
  clock.now = 5050;
  collector.markReading(2);
  clock.now = 9949;
  assertEquals(collector.overdue(5), []);
  assertEquals(collector.millisToDeadline(5), 1);
  clock.now = 9950;
  assertEquals(ranksOf(collector.overdue(5)), [2]);
  collector.settle(2, "received");
  assert(await third);
  assertEquals(collector.millisToDeadline(5), undefined);
});

Deno.test("Intake: a rank whose answer broke off is as one that was not heard", async () => {
  const { clock, collector } = timedCollector([1, 2], { window: 2 });
  await collector.admit(2, incoming(50));
  collector.markReading(2);
  collector.withdraw(2);
  clock.now = 5000;
  assertEquals(collector.overdue(5).map(({ rank, isReading }) => [rank, isReading]), [
    [1, false],
    [2, false],
  ]);
  assert(await collector.admit(2, incoming(0)));
});

Deno.test("CohortCollector gives back the time for which an answer waits after a part of it was read", async () => {
  const { clock, collector } = timedCollector([1, 2], { window: 2 });
  clock.now = 100;
  assert(await collector.admit(2, incoming(16)));
  clock.now = 200;
  collector.markReading(2);
  clock.now = 1000;
  collector.markWaiting(2);
  clock.now = 7000;
  assertEquals(ranksOf(collector.overdue(5)), [1]);
  collector.markReading(2);
  // It has waited for 100 and 6000 ms.
  clock.now = 11_099;
  assertEquals(ranksOf(collector.overdue(5)), [1]);
  clock.now = 11_100;
  assertEquals(ranksOf(collector.overdue(5)), [1, 2]);
});

Deno.test("CohortCollector counts the time of a rank from when the parameters are sent to it", () => {
  const { clock, collector } = timedCollector([1, 2], { window: 2 });
  collector.markSent(2, false);
  clock.now = 6000;
  assertEquals(ranksOf(collector.overdue(5)), [1]);
  collector.markSent(2);
  collector.settle(1, "dropped", "late");
  assertEquals(collector.millisToDeadline(5), 5000);
  clock.now = 11_000;
  assertEquals(ranksOf(collector.overdue(5)), [2]);
});

Deno.test("CohortCollector admits no answer that was withdrawn before its place was free", async () => {
  const { collector } = timedCollector([1, 2], { window: 1 });
  const first = collector.admit(2, incoming(16));
  const second = collector.admit(2, incoming(16));
  collector.withdraw(2);
  assertEquals(await first, false);
  assert(!await isSettled(second));
  collector.settle(1, "received");
  assert(await second);
});

Deno.test("Intake: of a cohort larger than needed those win whose updates are whole, not those that have begun", async () => {
  const { collector } = timedCollector([1, 2, 3, 4], { window: 4, enough: 2 });
  for (const rank of [1, 2]) {
    assert(await collector.admit(rank, incoming(16)));
    collector.markReading(rank);
  }
  for (const rank of [4, 3]) {
    assert(await collector.admit(rank, incoming(100)));
    collector.markReading(rank);
    collector.markComplete(rank);
  }
  assertEquals(collector.pending, [3, 4]);
  assertEquals(
    collector.absences,
    [1, 2].map((rank) => ({
      rank,
      reason: "2 others were first",
      isExcused: true,
    })),
  );
  assert(await collector.waitForTurn(3));
});

Deno.test("Intake: in any order of arrival the turns are in rank order, and never more than the window are in", async () => {
  const random = new Random(5, "test");
  for (let trial = 0; trial < 50; trial++) {
    const size = 1 + random.below(12), window = 1 + random.below(4);
    const cohort = Array.from({ length: size }, (_, i) => i + 1);
    const collector = new CohortCollector(1, cohort, { window });
    const taken: number[] = [];
    let inside = 0;
    const clients = random.shuffle([...cohort]).map(async (rank) => {
      if (random.below(5) === 0) return collector.settle(rank, "dropped");
      if (!await collector.admit(rank)) return;
      inside++;
      assert(inside <= window);
      if (await collector.waitForTurn(rank)) taken.push(rank);
      inside--;
      collector.settle(rank, "received");
    });
    await Promise.all([...clients, collector.allSettled()]);
    assertEquals(taken, [...taken].sort((a, b) => a - b));
    assertEquals(taken.length, collector.count("received"));
  }
});
