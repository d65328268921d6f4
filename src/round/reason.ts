import { errorMessage } from "../base/errors.ts";
import { shortened } from "../base/printable.ts";
import type { Rank } from "../base/rank.ts";
import type { RoundReport } from "./report.ts";

/**
 * Characters of a reason: a peer may have chosen its words, and they are kept for as long as the
 * run's history.
 */
export const REASON_LENGTH = 200;
/** Ranks of which a round's report says why they were missing. */
export const MOST_LOSSES = 100;

/** Why a peer is gone, in a line of bounded length: its own last words, or what went wrong. */
export function reasonOf(error: unknown): string {
  return shortened(errorMessage(error), REASON_LENGTH);
}

/** What a report says of the ranks that are missing. */
export function lossesOf(
  missing: readonly { readonly rank: Rank; readonly reason: string }[],
): Pick<RoundReport, "losses" | "lossesOmitted"> {
  const omitted = missing.slice(MOST_LOSSES).map(({ rank }) => rank);
  return {
    losses: missing.slice(0, MOST_LOSSES).map(({ rank, reason }) => ({
      rank,
      reason: shortened(reason, REASON_LENGTH),
    })),
    ...(omitted.length > 0 && { lossesOmitted: omitted }),
  };
}
