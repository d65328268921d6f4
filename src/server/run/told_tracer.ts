import type { Rank } from "../../base/rank.ts";
import type { Tracer } from "../../base/tracer.ts";
import type { SharedMessage } from "../../net/outgoing_frame.ts";
import type { Openness } from "../../round/report/private_events.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import type { RunContext } from "./run_context.ts";

/**
 * Returns an observer that is told what may be told. Where cohorts are secret these are no steps of
 * single clients, and there is no trace context for them.
 */
export function toldTracer(
  tracer: Tracer | undefined,
  { privacy }: Openness,
): Tracer | undefined {
  if (tracer === undefined || !privacy?.isCohortSecret) return tracer;
  return { begin: (step) => step.rank === undefined ? tracer.begin(step) : () => {} };
}

/**
 * Returns the field of a message that tells a client the context of a round's trace, if there is a
 * trace.
 */
export function traceField(tracer: Tracer | undefined): { readonly trace?: string } {
  const trace = tracer?.context;
  return trace === undefined ? {} : { trace };
}

/** Sends a client a message, and tells the observer where it has parameters. */
export function sendTraced(
  { tracer, sessions }: Pick<RunContext, "tracer" | "sessions">,
  rank: Rank,
  message: Message | SharedMessage,
  onEnd?: (isSent: boolean) => void,
): boolean {
  const { code, payload } = message;
  if (tracer === undefined || !("trace" in payload)) return sessions.send(rank, message, onEnd);
  const work = code === MessageCode.EvaluateParams ? "evaluate" : "train";
  const end = tracer.begin({ name: "send", round: payload.round, rank, work });
  const isSent = sessions.send(rank, message, (isSent) => {
    end(isSent ? undefined : new Error("not sent"));
    onEnd?.(isSent);
  });
  if (!isSent) end(new Error("not connected"));
  return isSent;
}
