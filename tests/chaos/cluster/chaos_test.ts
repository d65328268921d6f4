import { assertEquals } from "jsr:@std/assert@1.0.19";
import { testNeedingNats } from "../../helpers/test_with_nats.ts";
import { clusterChaos, clusterFaults } from "./chaos.ts";
import { type ClusterPlan, drawClusterPlan } from "./plan.ts";

testNeedingNats(
  "a simulation whose coordinator, server and workers are killed has the model of one left alone",
  async () => {
    const plan: ClusterPlan = {
      ...drawClusterPlan(1, 1),
      ...{ strategy: "scaffold", aggregation: "running", rounds: 40, workers: 2 },
      steps: (["worker", "server", "coordinator"] as const).map((process) => (
        { process, afterMillis: 100, trouble: "kill", worker: 0, millis: 200 }
      )),
    };
    const folder = await Deno.makeTempDir(), log: string[] = [];
    try {
      const outcome = await clusterChaos({ plan, folder, log: (line) => log.push(line) });
      assertEquals(clusterFaults(plan, outcome), [], log.join("\n"));
      assertEquals(outcome.kills, { worker: 1, server: 1, coordinator: 1 });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
