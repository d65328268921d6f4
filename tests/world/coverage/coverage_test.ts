import { assert, assertEquals } from "@std/assert";
import { Counts } from "../../../src/world/coverage/counts.ts";
import { coverageLines } from "../../../src/world/coverage/report.ts";
import { Steering } from "../../../src/world/coverage/steering.ts";
import { MACHINES } from "../../../src/world/coverage/table.ts";
import { atMoment } from "../../../src/world/faults/schedule.ts";
import { drawPlay, type Play, play } from "../../../src/world/play.ts";
import { SMALL_PLAN } from "../small_plan.ts";
import { shrink } from "../../../src/world/shrink.ts";

/** Run of two clients without faults, in which all is quick. */
const QUIET: Play = { seed: 1, mode: "liveness", plan: SMALL_PLAN, schedule: [] };

async function countsOf(run: Play): Promise<Counts> {
  const counts = new Counts(MACHINES);
  assertEquals((await play(run, { counts })).violations, []);
  return counts;
}

Deno.test("a run without faults makes the transitions of its messages, and no others", async () => {
  const counts = await countsOf(QUIET);
  for (
    const [name, count] of [
      ["client, connected: sends Registration -> registering", 2],
      ["client, challenged: sends Proof -> proving", 2],
      ["client, proving: gets IdAssignment -> building", 2],
      ["client, waiting: gets parameters -> training", 6],
      ["session, answered: accepts -> waiting", 6],
      ["client, leaving: sends Exit -> left", 2],
      ["server, training: ends a round -> between", 3],
      ["rank, free: joins -> joined", 2],
      ["client, training: is killed -> gone", 0],
    ] as const
  ) assertEquals(counts.countOf(name), count, name);
  assertEquals([...counts.unlisted], []);
});

Deno.test("a fault at a moment meets the state that it names, also in a replay", async () => {
  const when = { machine: "client", state: "challenged", client: "client-2", within: 60 };
  const schedule = atMoment(0, when, 0, { kind: "kill", machine: "client-2" });
  const run: Play = JSON.parse(JSON.stringify({ ...QUIET, schedule }));
  const counts = await countsOf(run);
  assertEquals(counts.countOf("client, challenged: is killed -> gone"), 1);
  const logs = [];
  for (let i = 0; i < 2; i++) logs.push((await play(run)).log);
  assertEquals(logs[0], logs[1]);
});

Deno.test("a fault can let some moments pass before its own", async () => {
  const secondsOf = async (skip: number) => {
    const when = { machine: "client", state: "training", client: "client-1", within: 600, skip };
    const lines: string[] = [];
    await play({
      ...QUIET,
      schedule: atMoment(0, when, 0, { kind: "kill", machine: "client-1" }),
    }, { onLine: (line) => lines.push(line) });
    const kills = lines.filter((line) => line.includes("begins: kill"));
    assertEquals(kills.length, 1);
    return Number.parseFloat(kills[0] ?? "");
  };
  // Each round has a training of 1 to 2 seconds.
  const [first, third] = [await secondsOf(0), await secondsOf(2)];
  assert(first < 1 && third > 2 && third < 6, `${first} and ${third}`);
});

Deno.test("observing a run does not change its log", async () => {
  const run = drawPlay(2), counts = new Counts(MACHINES);
  const plain = await play(run, { undisturbed: "none" });
  const observed = await play(run, { undisturbed: "none", counts });
  assertEquals(observed.log, plain.log);
  assert(counts.reached > 50);
});

Deno.test("faults at moments can be left out one by one", async () => {
  const at = (state: string) =>
    atMoment(0, { machine: "client", state, client: "client-1", within: 60 }, 0, {
      ...{ kind: "kill", machine: "client-1" },
    });
  const schedule = [...at("challenged"), ...at("waiting"), ...at("training")];
  const rest = await shrink(schedule, async (schedule) => {
    const counts = await countsOf({ ...QUIET, schedule });
    return counts.countOf("client, training: is killed -> gone") > 0;
  });
  assertEquals(rest, at("training"));
});

Deno.test("the steering draws the same runs for the same seed, with aims that were not reached", () => {
  const drawn = () => {
    const steering = new Steering(new Counts(MACHINES), MACHINES, 7);
    return Array.from({ length: 3 }, () => [steering.next(), steering.aims]);
  };
  assertEquals(drawn(), drawn());
  for (const [, aims] of drawn()) assert(Array.isArray(aims) && aims.length > 0);
});

Deno.test("the report has all transitions, and says which were not reached", async () => {
  const counts = await countsOf(QUIET), lines = coverageLines(counts, MACHINES);
  assert(/^client: \d+ of \d+$/.test(lines[0] ?? ""), lines[0]);
  assert(lines.some((line) => line.startsWith("  client, training: is killed -> gone")));
  assertEquals(lines.at(-1)?.startsWith(`${counts.reached} of ${counts.size} transitions`), true);
});
