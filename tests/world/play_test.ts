import { assert, assertEquals } from "@std/assert";
import { drawPlay, play } from "../../src/world/play.ts";
import {
  during,
  from,
  healedAt,
  later,
  repeated,
  together,
} from "../../src/world/faults/schedule.ts";
import { shrink } from "../../src/world/shrink.ts";

Deno.test("play() keeps all rules in the first runs", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const { violations } = await play(drawPlay(seed));
    assertEquals(violations, [], `seed ${seed}`);
  }
});

Deno.test("play() gives the same log for the same seed, with all faults", async () => {
  for (const seed of [2, 16]) {
    const logs = [];
    for (let i = 0; i < 2; i++) {
      const lines: string[] = [];
      const { log } = await play(drawPlay(seed), {
        onLine: (line) => lines.push(line),
        undisturbed: undefined,
      });
      logs.push([...lines, log].join("\n"));
    }
    assertEquals(logs[0], logs[1]);
  }
});

Deno.test("a folder of checkpoints outlives a loss of power", async () => {
  const { plan } = drawPlay(31);
  const schedule = during(5, 5, { kind: "power", machine: "server" });
  const lines: string[] = [];
  const { violations } = await play({ seed: 31, mode: "liveness", plan, schedule }, {
    onLine: (line) => lines.push(line),
  });
  assertEquals(violations, []);
  assert(lines.some((line) => line.endsWith("server     loses power")));
});

Deno.test("play() tells of a run that is not over though it should be", async () => {
  const { plan } = drawPlay(31);
  const schedule = from(3, { kind: "power", machine: "server" });
  const { violations } = await play({ seed: 31, mode: "liveness", plan, schedule });
  assertEquals(violations.map(({ invariant }) => invariant), ["every process ends"]);
  const safe = await play({ seed: 31, mode: "safety", plan, schedule });
  assertEquals([safe.violations, safe.isEnded], [[], false]);
});

Deno.test("schedules are values that compose", () => {
  const kill = { kind: "kill", machine: "server" } as const;
  const cut = { kind: "link", from: "a", change: { isCut: true } } as const;
  const both = together(repeated([30, 10], 0, kill), during(5, 60, cut));
  assertEquals(both.map(({ at, fault }) => [at, fault.kind]), [[5, "link"], [10, "kill"], [
    30,
    "kill",
  ]]);
  const healed = healedAt(20, ["server", "a"], both);
  assertEquals(healed.map(({ at, seconds }) => [at, seconds]), [[5, 15], [10, 0]]);
  assertEquals(healedAt(20, ["b"], both), both);
  assertEquals(from(3, cut), [{ at: 3, fault: cut }]);
  assertEquals(later(100, both).map(({ at }) => at), [105, 110, 130]);
});

Deno.test("shrink() leaves the faults that a failure needs", async () => {
  const faults = Array.from({ length: 50 }, (_, at) => ({
    ...{ at, seconds: 0 },
    fault: { kind: "kill", machine: "server" } as const,
  }));
  let tries = 0;
  const rest = await shrink(faults, (schedule) => {
    tries++;
    const times = schedule.map(({ at }) => at);
    return Promise.resolve(times.includes(7) && times.includes(41));
  });
  assertEquals(rest.map(({ at }) => at), [7, 41]);
  assert(tries < 200, `${tries} tries`);
});
