import { errorMessage } from "../../base/errors.ts";
import { shortened } from "../../base/printable.ts";
import type { Rank } from "../../base/rank.ts";
import type { CohortCollector, Outcome } from "../cohort/cohort_collector.ts";
import type { RoundReport } from "./report.ts";

/**
 * Maximum length of a reason, in characters. A peer may have chosen the text, and it is kept for as
 * long as the run's history.
 */
export const MAX_REASON_LENGTH = 200;
/** Maximum number of ranks for which a round's report gives the reason of their absence. */
export const MAX_REPORTED_ABSENCES = 100;

/** Reason why a rank's update is missing in a round. */
export interface Absence {
  /** Rank of the client. */
  readonly rank: Rank;
  /** Reason, in one line. */
  readonly reason: string;
}

/** Describes why a peer is gone in one line of bounded length. */
export function shortReason(error: unknown): string {
  return shortened(errorMessage(error), MAX_REASON_LENGTH);
}

/** Converts absences to the fields of a round's report. */
export function reportAbsences(
  absences: readonly Absence[],
): Pick<RoundReport, "losses" | "lossesOmitted"> {
  const omitted = absences.slice(MAX_REPORTED_ABSENCES).map(({ rank }) => rank);
  return {
    losses: absences.slice(0, MAX_REPORTED_ABSENCES).map(({ rank, reason }) => ({
      rank,
      reason: shortened(reason, MAX_REASON_LENGTH),
    })),
    ...(omitted.length > 0 && { lossesOmitted: omitted }),
  };
}

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
