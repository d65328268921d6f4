import { ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { ErrorPayload } from "../wire/messages.ts";

/** Whether a client says that it has no update for a round, and stays. */
export function isCannotTrain({ fault, fatal }: ErrorPayload): boolean {
  return fault === "cannot-train" && !fatal;
}

/** The rank says that it cannot train for a round in which nobody waits for its update. */
export function unexpectedRefusal(rank: Rank, round: number | undefined): ProtocolError {
  return new ProtocolError(
    "wrong-round",
    `Cannot go on without the update of rank ${rank} for round ${
      round ?? "(none)"
    }: none is expected`,
  );
}
