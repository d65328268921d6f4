import type { FederationPlan } from "../federation/plan.ts";
import { isEqual } from "./counted_once.ts";
import type { Invariant } from "./invariant.ts";

/**
 * A run in which every round has its whole cohort, and nobody was given up, has the model of the
 * run without faults. Runs whose result depends on the order of updates are left out.
 */
export const sameModel: Invariant = {
  name: "a run that lost nobody has the undisturbed model",
  breaches({ federation: { history, plan }, undisturbed }) {
    const [finished] = history.of("finished");
    if (finished === undefined || undisturbed === undefined || plan.isAsync) return [];
    const { rounds, modelDigest } = finished.report;
    const isWhole = rounds.every(({ dropped, refused, losses, paused = [] }) =>
      dropped === 0 && refused === 0 && losses.length === 0 && paused.length === 0
    );
    // One who was given up may have been missing when a cohort was selected.
    const wasLost = history.of("lost").length > 0;
    if (!isWhole || wasLost || plan.overSelection > 0 || !isRepeatable(plan)) return [];
    if (modelDigest === undisturbed) return [];
    return [`the model is ${modelDigest}, and ${undisturbed} without faults`];
  },
};

/**
 * Returns true if a round can be repeated with the same result: clients keep no vector, which is
 * lost with their process, and have the same rank again.
 */
function isRepeatable({ strategy, isAsync, asksForRank }: FederationPlan): boolean {
  return asksForRank && !isAsync && !/^(scaffold|feddyn|ditto|fedper)/.test(strategy);
}

/** The model that a server goes on with after a restart is one that it has announced before. */
export const sameHistory: Invariant = {
  name: "a round that is repeated with the same updates has the same model",
  breaches({ federation: { history, plan } }) {
    if (!isRepeatable(plan)) return [];
    const breaches: string[] = [];
    const known = new Map<string, Parameters<typeof isEqual>[0]>();
    for (const { report: { round, cohort, losses }, model } of history.of("round")) {
      if (losses.length > 0) continue;
      const key = `${round} of ${cohort.join(",")}`, before = known.get(key);
      if (before !== undefined && !isEqual(before, model)) {
        breaches.push(`round ${round} has two models of the same cohort`);
      }
      known.set(key, model);
    }
    return breaches;
  },
};
