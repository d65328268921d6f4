import type { ParameterVector } from "../../params/manifest.ts";
import type { Federation } from "../federation/federation.ts";
import type { HistoryEntry } from "../history.ts";
import type { Invariant } from "./invariant.ts";

/** Updates that the server took in for the try of a round that made its model. */
interface CountedRound {
  readonly round: number;
  readonly cohort: readonly number[];
  readonly received: number;
  readonly refused: number;
  readonly taken: ReadonlyMap<number, ParameterVector>;
  /** Ranks of which a second update was taken. */
  readonly again: readonly number[];
  readonly model: ParameterVector;
}

/**
 * Returns the rounds of a synchronous run in the order in which they ended, each with the updates
 * of its last try. A round may be there several times: a server that was killed before its
 * checkpoint repeats it.
 */
export function countedRounds(history: Federation["history"]): readonly CountedRound[] {
  const rounds: CountedRound[] = [];
  let taken = new Map<number, ParameterVector>(), again: number[] = [], isOpen = false;
  for (const entry of history.entries) {
    switch (entry.type) {
      case "started":
        if (entry.machine === "server") isOpen = false;
        break;
      case "opened":
        isOpen = true;
        taken = new Map();
        again = [];
        break;
      case "taken":
        if (taken.has(entry.rank)) again.push(entry.rank);
        taken.set(entry.rank, entry.vector);
        break;
      case "round": {
        const { round, cohort, received, refused } = entry.report;
        // A server that has started again tells of its last round, of which it takes nothing in.
        if (!isOpen) break;
        rounds.push({ round, cohort, received, refused, taken, again, model: entry.model });
      }
    }
  }
  return rounds;
}

/** Returns true if two vectors have the same values. */
export function isEqual(a: ParameterVector, b: ParameterVector): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}

type Trained = Extract<HistoryEntry, { readonly type: "trained" }>;

/**
 * Each update that counts is one that a client has trained in that round, from the model of the
 * round before; the updates of a cohort are of different clients; and none counts twice.
 */
export const countedOnce: Invariant = {
  name: "an update is counted at most once",
  breaches({ federation }) {
    const { history, plan } = federation;
    if (plan.isAsync) return [];
    const breaches: string[] = [];
    // Nothing tells who is in a secret cohort.
    const isSecret = plan.privacy?.startsWith("fedavg") ?? false;
    for (const { round, cohort, received, refused, taken, again } of countedRounds(history)) {
      for (const rank of again) {
        breaches.push(`round ${round} has taken two updates of rank ${rank}`);
      }
      if (new Set(cohort).size !== cohort.length) {
        breaches.push(`round ${round} has counted a rank twice: ${cohort.join(", ")}`);
      }
      if (received !== taken.size && refused === 0 && !plan.isMasked && !isSecret) {
        breaches.push(`round ${round} has counted ${received} updates, and taken ${taken.size} in`);
      }
      // What is encoded, masked or changed by a rule is not what the client has trained.
      if (plan.uplink !== undefined || plan.isMasked || plan.clientPrivacy !== undefined) continue;
      if (!isSentAsTrained(plan.strategy)) continue;
      const trained = history.of("trained").filter((entry) => entry.round === round);
      const used = new Set<Trained>();
      for (const [rank, vector] of taken) {
        const own = trained.find((entry) => !used.has(entry) && isEqual(entry.result, vector));
        if (own === undefined) {
          breaches.push(`round ${round} has taken an update of rank ${rank} that nobody trained`);
        } else used.add(own);
      }
    }
    return breaches;
  },
};

/** Returns true if clients send the vector that their handler has trained. */
export function isSentAsTrained(strategy: string): boolean {
  return !/^(scaffold|feddyn|ditto|fedper|fedprox)/.test(strategy);
}
