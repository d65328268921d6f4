import { Random } from "../../../mod.ts";
import { pick } from "../../fuzz/frames.ts";

/** Strategies of a plan: with state on the server, with state on the clients, with neither. */
const STRATEGIES = ["fedavg", "fedadam", "scaffold", "feddyn", "median"] as const;

/** Processes of a cluster that can be killed and held up. */
const PROCESSES = ["worker", "server", "coordinator"] as const;

/** One trouble, after a pause. */
export interface ClusterStep {
  readonly afterMillis: number;
  readonly trouble: "kill" | "stop";
  readonly process: typeof PROCESSES[number];
  /** Number of the worker, from 0. */
  readonly worker: number;
  /** Time until a killed server is started again, or for which a process is held up. */
  readonly millis: number;
}

/** Choices of a run of a cluster: written to a file, it can be done again. */
export interface ClusterPlan {
  readonly seed: number;
  readonly strategy: string;
  readonly aggregation: "running" | "exact";
  readonly workers: number;
  readonly clients: number;
  readonly rounds: number;
  readonly steps: readonly ClusterStep[];
}

/** Draws the plan of a seed, with so many kills. */
export function drawClusterPlan(seed: number, kills: number): ClusterPlan {
  const random = new Random(seed, "test", { rank: 2 });
  const strategy = pick(random, STRATEGIES);
  const workers = 3, steps: ClusterStep[] = [];
  for (let killed = 0; killed < kills;) {
    const isKill = random.below(3) > 0;
    steps.push({
      afterMillis: 50 + random.below(400),
      trouble: isKill ? "kill" : "stop",
      process: pick(random, PROCESSES),
      worker: random.below(workers),
      millis: random.below(isKill ? 1000 : 2500),
    });
    if (isKill) killed++;
  }
  const aggregation = strategy !== "median" && random.below(3) === 0 ? "exact" : "running";
  return { seed, strategy, aggregation, workers, clients: 40, rounds: 20 + 15 * kills, steps };
}
