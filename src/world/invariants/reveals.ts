import type { Invariant } from "./invariant.ts";

/**
 * A client reveals shares for one attempt at a round of a run alone: those of two attempts would
 * tell its update. A process that starts again has other secrets.
 */
export const revealsOnce: Invariant = {
  name: "no client reveals shares twice",
  breaches({ federation: { history } }) {
    const attempts = new Map<string, number>();
    const breaches: string[] = [];
    let run = 0;
    for (const entry of history.entries) {
      // A server without a checkpoint begins another run.
      if (entry.type === "started" && entry.machine === "server") {
        if (entry.resumedFrom === undefined) run++;
      }
      if (entry.type !== "revealed") continue;
      const { machine, pid, round, attempt } = entry;
      const key = `${pid} ${run} ${round}`, before = attempts.get(key) ?? attempt;
      attempts.set(key, attempt);
      if (before === attempt) continue;
      breaches.push(
        `${machine} has revealed shares for the attempts ${before} and ${attempt} of round ${round}`,
      );
    }
    return breaches;
  },
};
