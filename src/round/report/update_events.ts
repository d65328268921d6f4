import type { Rank } from "../../base/rank.ts";
import type { TrainingExchange } from "../cohort/training_exchange.ts";
import type { ServerEvent } from "./events.ts";

/** Makes the event of an update that was accepted. */
export function receivedEvent(
  { collector, updates }: TrainingExchange,
  rank: Rank,
  { numSamples }: { readonly numSamples?: number | undefined },
): ServerEvent {
  const { norm } = updates.get(rank) ?? {};
  return {
    type: "update-received",
    round: collector.round,
    rank,
    received: collector.count("received"),
    expected: collector.cohort.length,
    ...(numSamples !== undefined && { numSamples }),
    ...(norm !== undefined && { norm }),
  };
}

/** Makes the event of an update that was refused, or of a client that has none. */
export function refusedEvent(
  rank: Rank,
  { fault, message }: { readonly fault: string; readonly message: string },
  { round, norm }: { readonly round: number; readonly norm?: number | undefined },
): ServerEvent {
  return {
    type: "update-refused",
    rank,
    fault,
    message,
    round,
    ...(norm !== undefined && { norm }),
  };
}
