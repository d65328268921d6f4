import type { Rank } from "../../base/rank.ts";
import { reportAbsences } from "../report/absence.ts";
import type { RoundReport } from "../report/report.ts";
import type { CohortCollector, Outcome } from "./cohort_collector.ts";

/** Ranks whose updates are missing in a round, over all of its tries. */
export class AbsentRanks {
  readonly #last = new Map<Rank, { outcome: Outcome | undefined; reason: string }>();

  /** Adds the absences of a try. The last try of a rank counts. */
  add(collector: CohortCollector): void {
    for (const rank of collector.cohort) this.#last.delete(rank);
    for (const { rank, reason } of collector.absences) {
      this.#last.set(rank, { outcome: collector.outcome(rank), reason });
    }
  }

  /** The fields of the round's report. */
  get report(): Pick<RoundReport, "dropped" | "losses" | "lossesOmitted"> {
    const ranks = [...this.#last].sort(([a], [b]) => a - b);
    return {
      dropped: ranks.filter(([, { outcome }]) => outcome === "dropped").length,
      ...reportAbsences(ranks.map(([rank, { reason }]) => ({ rank, reason }))),
    };
  }
}

/** Returns the outcome of a round that was tried once. */
export function firstTry(
  collector: CohortCollector,
): Pick<RoundReport, "tries" | "dropped" | "losses" | "lossesOmitted"> {
  const missing = new AbsentRanks();
  missing.add(collector);
  return { tries: 1, ...missing.report };
}
