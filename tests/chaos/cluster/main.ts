import { clusterChaos, clusterFaults } from "./chaos.ts";
import type { ClusterPlan } from "./plan.ts";

/** Performs a plan and prints its outcome. Returns true if nothing is wrong. */
export async function performCluster(plan: ClusterPlan, keep: boolean): Promise<boolean> {
  const { seed, strategy, aggregation } = plan;
  console.error(JSON.stringify({ seed, strategy, aggregation, rounds: plan.rounds }));
  const folder = await Deno.makeTempDir();
  try {
    const outcome = await clusterChaos({ plan, folder, log: (line) => console.error(line) });
    const { kills: { worker, server, coordinator }, done, report } = outcome;
    console.log(
      `seed ${seed}: ${worker} kills of workers, ${server} of the server, ${coordinator} of the ` +
        `coordinator, ${done} troubles in all, ${report.rounds.length} rounds, ` +
        `model ${report.modelDigest}`,
    );
    const faults = clusterFaults(plan, outcome);
    for (const fault of faults) console.log(`wrong: ${fault}`);
    return faults.length === 0;
  } catch (error) {
    console.log(`wrong: ${error instanceof Error ? error.message : error}`);
    return false;
  } finally {
    if (keep) console.error(`the runs are in ${folder}`);
    else await Deno.remove(folder, { recursive: true });
  }
}
