import { errorMessage } from "../../base/errors.ts";
import { shortened } from "../../base/printable.ts";
import type { Rank } from "../../base/rank.ts";
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

/** Absence of a rank in a round of its cohort. */
export interface CohortAbsence extends Absence {
  /** Set when the rank is not to blame. */
  readonly isExcused: boolean;
}

/** Absence of a rank whose time is up before its whole update was received. */
export interface OverdueRank extends Absence {
  /** Set when the update was being read. */
  readonly isReading: boolean;
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
