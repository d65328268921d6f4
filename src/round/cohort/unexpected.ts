import { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { ErrorPayload } from "../../wire/messages.ts";
import type { CohortCollector } from "./cohort_collector.ts";

/** Explains why an update of the rank is not expected. */
export function unexpectedUpdate(
  rank: Rank,
  collector: CohortCollector | undefined,
): ProtocolError {
  const where = `Cannot take the update of rank ${rank}`;
  if (collector === undefined) {
    return new ProtocolError("wrong-round", `${where}: no round is open`);
  }
  const { round } = collector;
  switch (collector.outcome(rank)) {
    case undefined:
      return new ProtocolError(
        "not-in-cohort",
        `${where}: it is not in the cohort of round ${round}`,
      );
    case "dropped":
      return new ProtocolError(
        "wrong-round",
        `${where}: it came after the deadline of round ${round}`,
      );
    default:
      return new ProtocolError(
        "duplicate-update",
        `${where}: it has answered in round ${round} already`,
      );
  }
}

/** Makes the error for figures of a round for which none are expected from the rank. */
export function unexpectedFigures(rank: Rank, round: number): ProtocolError {
  return new ProtocolError(
    "wrong-round",
    `Cannot take the figures of rank ${rank} for round ${round}: none are expected`,
  );
}

/** Returns `true` for the message of a client that has no update for a round and stays. */
export function isCannotTrain({ fault, fatal }: ErrorPayload): boolean {
  return fault === "cannot-train" && !fatal;
}

/** Makes the error for a "cannot-train" message for a round in which no update is expected. */
export function unexpectedRefusal(rank: Rank, round: number | undefined): ProtocolError {
  return new ProtocolError(
    "wrong-round",
    `Cannot go on without the update of rank ${rank} for round ${
      round ?? "(none)"
    }: none is expected`,
  );
}
