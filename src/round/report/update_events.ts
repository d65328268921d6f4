import type { Rank } from "../../base/rank.ts";
import type { Writable } from "../../base/writable.ts";
import type { TrainingExchange } from "../cohort/training_exchange.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { clientEvaluation, type RankedResult, reportedMetrics } from "./client_results.ts";
import type { ServerEvent } from "./events.ts";

/** Makes the event of an update that was accepted. */
export function receivedEvent(
  { collector, updates }: TrainingExchange,
  rank: Rank,
  payload: ParameterUpdatePayload,
): ServerEvent {
  const { norm } = updates.get(rank) ?? {};
  const event: Writable<ServerEvent & { type: "update-received" }> = {
    type: "update-received",
    round: collector.round,
    rank,
    received: collector.count("received"),
    expected: collector.cohort.length,
  };
  const { numSamples, loss } = payload, metrics = reportedMetrics(payload.metrics);
  if (numSamples !== undefined) event.numSamples = numSamples;
  if (loss !== undefined) event.loss = loss;
  if (metrics !== undefined) event.metrics = metrics;
  if (norm !== undefined) event.norm = norm;
  return event;
}

/** Makes the event of a client's evaluation. */
export function evaluatedEvent(round: number, result: RankedResult): ServerEvent {
  return { type: "evaluated", round, ...clientEvaluation(result) };
}

/** Returns the figures of an update for its event. */
export function figuresOf(
  { numSamples, loss, metrics }: ParameterUpdatePayload,
): Pick<ServerEvent & { type: "update-received" }, "numSamples" | "loss" | "metrics"> {
  const reported = reportedMetrics(metrics);
  return {
    ...(numSamples !== undefined && { numSamples }),
    ...(loss !== undefined && { loss }),
    ...(reported && { metrics: reported }),
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
