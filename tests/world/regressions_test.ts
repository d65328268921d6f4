import { assert, assertEquals } from "@std/assert";
import { during, repeated, together } from "../../src/world/faults/schedule.ts";
import type { FederationPlan } from "../../src/world/federation/plan.ts";
import { play } from "../../src/world/play.ts";

const PLAN: FederationPlan = {
  ...{ seed: 80, clients: 3, rounds: 8, length: 12, strategy: "fedavg", isAsync: false },
  ...{ proof: "none", asksForRank: true, isMasked: false, fraction: 1, overSelection: 0 },
  ...{ quorum: 1, minClients: 3, evaluates: "server", trainSeconds: [5, 60] },
  ...{ roundSeconds: 600, heartbeatSeconds: 5, joinSeconds: 300 },
};

// Found by the seeds 5 and 80: the run began anew over its own checkpoints.
Deno.test("a run does not begin anew because its disk cannot be read for a while", async () => {
  const unreadable = [1, 2, 3, 4, 5].map((i) => `/run/checkpoints/round-00000${i}.safetensors`);
  const schedule = together(
    repeated([200], 0, { kind: "kill", machine: "server" }),
    during(199, 40, { kind: "disk", machine: "server", fault: { unreadable } }),
  );
  const lines: string[] = [];
  const { violations } = await play({ seed: 80, mode: "liveness", plan: PLAN, schedule }, {
    onLine: (line) => lines.push(line),
  });
  assertEquals(violations, []);
  assert(lines.some((line) => line.includes("ends by error: Cannot read checkpoint")));
  const ends = lines.filter((line) => line.includes(" server     Round 1 of 8:"));
  assertEquals(ends.length, 1);
});
