import type { ParameterVector } from "../../params/manifest.ts";
import type { FederationPlan } from "../federation/plan.ts";
import { isEqual } from "./counted_once.ts";
import type { Invariant } from "./invariant.ts";

/**
 * A run in which every round has the updates of all clients has the model of the run without
 * faults. Runs whose result depends on the order of updates are left out.
 */
export const sameModel: Invariant = {
  name: "a run that lost nobody has the undisturbed model",
  breaches({ federation: { history, plan }, undisturbed }) {
    const [finished] = history.of("finished");
    if (finished === undefined || undisturbed === undefined || plan.isAsync) return [];
    const { rounds, modelDigest } = finished.report;
    // Which clients of a part of them are selected depends on those that are there.
    const isWhole = rounds.every(({ cohort, dropped, refused, losses }) =>
      cohort.length === plan.clients && dropped === 0 && refused === 0 && losses.length === 0
    );
    if (!isWhole || plan.overSelection > 0 || !isRepeatable(plan)) return [];
    if (modelDigest === undisturbed) return [];
    return [`the model is ${modelDigest}, and ${undisturbed} without faults`];
  },
};

/**
 * Returns true if a round can be repeated with the same result: clients keep no vector, which is
 * lost with their process, and have the same rank again.
 */
function isRepeatable(plan: FederationPlan): boolean {
  const { strategy, isAsync, asksForRank, hostile, privacy, clientPrivacy } = plan;
  // Noise is new each time, and hostile clients do what they like.
  if (hostile !== undefined || privacy !== undefined || clientPrivacy !== undefined) return false;
  return asksForRank && !isAsync && !/^(scaffold|feddyn|ditto|fedper)/.test(strategy);
}

/**
 * Rounds that are repeated, because the server has lost them, come to the same model again if they
 * begin with the same one and lose nobody.
 */
export const sameHistory: Invariant = {
  name: "a round that is repeated with the same updates has the same model",
  breaches({ federation: { history, plan } }) {
    if (!isRepeatable(plan)) return [];
    const breaches: string[] = [];
    /** Models by the cohorts of all rounds that have led to them. */
    const known = new Map<string, ParameterVector>();
    /** Those cohorts, in order, by the last round. */
    const latest = new Map<number, readonly string[]>();
    let cohorts: readonly string[] = [];
    for (const entry of history.entries) {
      if (entry.type === "started" && entry.machine === "server") {
        // The last round may have been saved and not told.
        const { resumedFrom: round = 0 } = entry;
        cohorts = latest.get(round) ?? latest.get(round - 1) ?? [];
      }
      if (entry.type !== "round") continue;
      const { report: { round, cohort, losses }, model } = entry;
      const lost = losses.map(({ rank }) => rank);
      // A server that has started again may tell of its last round once more.
      cohorts = [...cohorts.slice(0, round - 1), `${cohort.join(",")}-${lost.join(",")}`];
      latest.set(round, cohorts);
      if (lost.length > 0) continue;
      const key = cohorts.join(" "), before = known.get(key);
      if (before !== undefined && !isEqual(before, model)) {
        breaches.push(`round ${round} has two models of the same cohorts`);
      }
      known.set(key, model);
    }
    return breaches;
  },
};
