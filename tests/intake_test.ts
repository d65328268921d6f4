import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../mod.ts";
import { Intake } from "../src/server/_intake.ts";

/** Whether a promise has resolved by now, all that could run having run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true);
  await new Promise<void>((resolve) => setTimeout(resolve));
  return settled;
}

Deno.test("Intake admits only the next ranks of the window", async () => {
  const intake = new Intake(1, [9, 3, 5, 7], 2);
  assert(await intake.admit(3));
  assert(await intake.admit(5));
  const seventh = intake.admit(7);
  assert(!await isSettled(seventh));
  intake.settle(3, "received");
  assert(await seventh);
});

Deno.test("Intake gives turns in rank order, past ranks that are gone", async () => {
  const intake = new Intake(1, [1, 2, 3], 3);
  const third = intake.turn(3);
  intake.settle(2, "dropped", "it left");
  assert(!await isSettled(third));
  assert(await intake.turn(1));
  intake.settle(1, "received");
  assert(await third);
  intake.settle(3, "received");
  await intake.finished();
  assertEquals(intake.losses, [{ rank: 2, reason: "it left" }]);
  assertEquals([intake.count("received"), intake.count("dropped")], [2, 1]);
});

Deno.test("Intake lets nobody wait whose part has ended", async () => {
  const intake = new Intake(1, [1, 2, 3], 1);
  const waits = [intake.admit(3), intake.turn(2)];
  intake.settle(3, "dropped");
  intake.settle(2, "dropped");
  assertEquals(await Promise.all(waits), [false, false]);
  assert(!await intake.admit(4));
});

Deno.test("Intake: the first word on a rank counts", () => {
  const intake = new Intake(1, [1, 2], 2);
  intake.settle(1, "dropped", "late");
  intake.settle(1, "received");
  intake.settle(7, "received");
  assertEquals(intake.outcome(1), "dropped");
  assertEquals(intake.count("received"), 0);
});

Deno.test("Intake spares from the deadline whoever has begun to answer", async () => {
  const intake = new Intake(1, [1, 2, 3], 3);
  await intake.admit(2);
  assertEquals(intake.unheard, [1, 3]);
  intake.takeBack(2);
  assertEquals(intake.unheard, [1, 2, 3]);
});

Deno.test("Intake: in any order of arrival the turns are in rank order, and never more than the window are in", async () => {
  const random = new Random(5, "test");
  for (let trial = 0; trial < 50; trial++) {
    const size = 1 + random.below(12), window = 1 + random.below(4);
    const cohort = Array.from({ length: size }, (_, i) => i + 1);
    const intake = new Intake(1, cohort, window);
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
