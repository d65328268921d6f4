import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../mod.ts";
import { Intake } from "../../src/round/intake.ts";

/** Whether a promise has resolved by now, all that could run having run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true);
  await new Promise<void>((resolve) => setTimeout(resolve));
  return settled;
}

Deno.test("Intake admits only the next ranks of the window", async () => {
  const intake = new Intake(1, [9, 3, 5, 7], { window: 2 });
  assert(await intake.admit(3));
  assert(await intake.admit(5));
  const seventh = intake.admit(7);
  assert(!await isSettled(seventh));
  intake.settle(3, "received");
  assert(await seventh);
});

Deno.test("Intake gives turns in rank order, past ranks that are gone", async () => {
  const intake = new Intake(1, [1, 2, 3], { window: 3 });
  const third = intake.turn(3);
  intake.settle(2, "dropped", "it left");
  assert(!await isSettled(third));
  assert(await intake.turn(1));
  intake.settle(1, "received");
  assert(await third);
  intake.settle(3, "received");
  await intake.finished();
  assertEquals(intake.losses, [{ rank: 2, reason: "it left", isExcused: false }]);
  assertEquals([intake.count("received"), intake.count("dropped")], [2, 1]);
});

Deno.test("Intake lets nobody wait whose part has ended", async () => {
  const intake = new Intake(1, [1, 2, 3], { window: 1 });
  const waits = [intake.admit(3), intake.turn(2)];
  intake.settle(3, "dropped");
  intake.settle(2, "dropped");
  assertEquals(await Promise.all(waits), [false, false]);
  assert(!await intake.admit(4));
});

Deno.test("Intake: the first word on a rank counts", () => {
  const intake = new Intake(1, [1, 2], { window: 2 });
  intake.settle(1, "dropped", "late");
  intake.settle(1, "received");
  intake.settle(7, "received");
  assertEquals(intake.outcome(1), "dropped");
  assertEquals(intake.count("received"), 0);
});

/** An intake whose clock is told the time, in milliseconds. */
function timedIntake(cohort: number[], options: { window: number; enough?: number }) {
  const clock = { now: 0 };
  return { clock, intake: new Intake(1, cohort, { ...options, now: () => clock.now }) };
}

/** An update of 100 bytes of which so many have come. */
function incoming(received: number) {
  return { size: 100, received };
}

const ranksOf = (losses: { rank: number }[]) => losses.map(({ rank }) => rank);

Deno.test("Intake: at the deadline those are late of whose update bytes are missing, whoever has begun", async () => {
  const { clock, intake } = timedIntake([1, 2, 3, 4], { window: 4 });
  assert(await intake.admit(1, incoming(16)));
  intake.started(1);
  assert(await intake.admit(2, incoming(100)));
  intake.started(2);
  intake.arrived(2);
  assertEquals(intake.patience(5), 5000);
  clock.now = 4999;
  assertEquals(intake.overdue(5), []);
  clock.now = 5000;
  assertEquals(intake.overdue(5), [
    { rank: 1, reason: "only 16 of the 100 bytes of its update came in time", isReading: true },
    { rank: 3, reason: "no answer within 5 seconds", isReading: false },
    { rank: 4, reason: "no answer within 5 seconds", isReading: false },
  ]);
});

Deno.test("Intake: who waits for its place is never late, and gets that time back", async () => {
  const { clock, intake } = timedIntake([1, 2, 3], { window: 1 });
  assert(await intake.admit(1, incoming(16)));
  intake.started(1);
  clock.now = 100;
  const second = intake.admit(2, incoming(0)), third = intake.admit(3, incoming(0));
  assert(!await isSettled(Promise.race([second, third])));
  clock.now = 5000;
  assertEquals(ranksOf(intake.overdue(5)), [1]);
  intake.settle(1, "dropped", "too late");
  assert(await second);
  clock.now = 5050;
  intake.started(2);
  clock.now = 9949;
  assertEquals(intake.overdue(5), []);
  assertEquals(intake.patience(5), 1);
  clock.now = 9950;
  assertEquals(ranksOf(intake.overdue(5)), [2]);
  intake.settle(2, "received");
  assert(await third);
  assertEquals(intake.patience(5), undefined);
});

Deno.test("Intake: a rank whose answer broke off is as one that was not heard", async () => {
  const { clock, intake } = timedIntake([1, 2], { window: 2 });
  await intake.admit(2, incoming(50));
  intake.started(2);
  intake.takeBack(2);
  clock.now = 5000;
  assertEquals(intake.overdue(5).map(({ rank, isReading }) => [rank, isReading]), [
    [1, false],
    [2, false],
  ]);
  assert(await intake.admit(2, incoming(0)));
});

Deno.test("Intake: of a cohort larger than needed those win whose updates are whole, not those that have begun", async () => {
  const { intake } = timedIntake([1, 2, 3, 4], { window: 4, enough: 2 });
  for (const rank of [1, 2]) {
    assert(await intake.admit(rank, incoming(16)));
    intake.started(rank);
  }
  for (const rank of [4, 3]) {
    assert(await intake.admit(rank, incoming(100)));
    intake.started(rank);
    intake.arrived(rank);
  }
  assertEquals(intake.open, [3, 4]);
  assertEquals(
    intake.losses,
    [1, 2].map((rank) => ({
      rank,
      reason: "2 others were first",
      isExcused: true,
    })),
  );
  assert(await intake.turn(3));
});

Deno.test("Intake: in any order of arrival the turns are in rank order, and never more than the window are in", async () => {
  const random = new Random(5, "test");
  for (let trial = 0; trial < 50; trial++) {
    const size = 1 + random.below(12), window = 1 + random.below(4);
    const cohort = Array.from({ length: size }, (_, i) => i + 1);
    const intake = new Intake(1, cohort, { window });
    const taken: number[] = [];
    let inside = 0;
    const clients = random.shuffle([...cohort]).map(async (rank) => {
      if (random.below(5) === 0) return intake.settle(rank, "dropped");
      if (!await intake.admit(rank)) return;
      inside++;
      assert(inside <= window);
      if (await intake.turn(rank)) taken.push(rank);
      inside--;
      intake.settle(rank, "received");
    });
    await Promise.all([...clients, intake.finished()]);
    assertEquals(taken, [...taken].sort((a, b) => a - b));
    assertEquals(taken.length, intake.count("received"));
  }
});
