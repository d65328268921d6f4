import type { Invariant } from "./invariant.ts";

/**
 * A client reveals shares for one attempt at a round alone: those of two attempts would tell its
 * update. A process that starts again has other secrets.
 */
export const revealsOnce: Invariant = {
  name: "no client reveals shares twice",
  breaches({ federation: { history } }) {
    const attempts = new Map<string, number>();
    const breaches: string[] = [];
    for (const { machine, pid, round, attempt } of history.of("revealed")) {
      const key = `${pid} ${round}`, before = attempts.get(key) ?? attempt;
      attempts.set(key, attempt);
      if (before === attempt) continue;
      breaches.push(
        `${machine} has revealed shares for the attempts ${before} and ${attempt} of round ${round}`,
      );
    }
    return breaches;
  },
};
