import { assertEquals } from "@std/assert";
import { during, from, together } from "../../src/world/faults/schedule.ts";
import { drawPlay, play } from "../../src/world/play.ts";
import { shrinkPlay } from "../../src/world/shrink_play.ts";

Deno.test("shrinkPlay() leaves the fault that breaks the rule, which breaks it by itself", async () => {
  const endless = from(3, { kind: "power", machine: "server" });
  const schedule = together(
    during(1, 0, { kind: "kill", machine: "client-1" }),
    during(2, 5, { kind: "pause", machine: "client-2" }),
    endless,
    during(4, 5, { kind: "link", to: "client-1", change: { isCut: true } }),
  );
  const one = { ...drawPlay(31), mode: "liveness" as const, schedule };
  const outcome = await play(one);
  assertEquals(outcome.violations.map(({ invariant }) => invariant), ["every process ends"]);
  const fewest = await shrinkPlay(outcome);
  assertEquals(fewest, endless);
  const again = await play({ ...one, schedule: fewest });
  assertEquals(again.violations.map(({ invariant }) => invariant), ["every process ends"]);
});

Deno.test("shrinkPlay() leaves a run that broke no rule as it is", async () => {
  const { plan } = drawPlay(31);
  const schedule = during(1, 0, { kind: "kill", machine: "client-1" });
  const outcome = await play({ seed: 31, mode: "liveness", plan, schedule });
  assertEquals(await shrinkPlay(outcome), schedule);
});
