import { AT_LEAST_ONE, isCount, isInRange } from "../base/check.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { metricsOf } from "../train/metrics/metrics.ts";
import { ownMetrics } from "../train/metrics/own_metrics.ts";
import { encodeFrame } from "../wire/frame.ts";
import { checkMessage, MessageCode } from "../wire/message_code.ts";
import type { EvaluateParamsPayload, ParameterUpdatePayload } from "../wire/messages.ts";
import type { JobOutcome } from "./client_pool.ts";

/** Number of metrics that are in any case short enough for a message. */
const FEW_METRICS = 64;

/** Vector in the place of one that is in a sum. */
const NO_VALUES = new Float32Array(0);

/**
 * Returns a client's update as its client topology would send it; without its vector where that is
 * in a sum.
 */
export function updatePayload(
  round: number,
  outcome: JobOutcome & { readonly kind: "trained" | "summed" },
): ParameterUpdatePayload {
  const { result: { numSamples, steps, loss, metrics } } = outcome;
  const update = outcome.kind === "trained" ? outcome.update : NO_VALUES;
  return {
    round,
    numSamples,
    steps,
    ...(Number.isFinite(loss) && { loss }),
    metrics,
    parameters: update,
  };
}

/**
 * Checks the figures of a client's evaluation as the transport does, and returns them as they would
 * arrive.
 *
 * @throws {ProtocolError} If a figure is out of its range, or the metrics are too long for a
 * message.
 */
export function checkFigures(
  round: number,
  result: EvaluateResult,
): EvaluateResult {
  const { numSamples, loss, accuracy, sums, onTrainingRows } = result, metrics = ownMetrics(result);
  const code = MessageCode.EvaluateParams;
  const payload: EvaluateParamsPayload = {
    round,
    numSamples,
    ...(Number.isFinite(loss) && { loss }),
    ...(accuracy !== undefined && { accuracy }),
    ...(metrics && { metrics }),
    ...(sums && { sums }),
  };
  if (Object.keys(metrics ?? {}).length > FEW_METRICS) encodeFrame({ code, payload });
  const message = checkMessage(code, payload);
  if (message.code !== code) throw new Error("Cannot check the figures: got another message");
  const { metrics: checked } = message.payload;
  const all = { ...checked, ...sums && metricsOf(sums) };
  return {
    numSamples,
    loss,
    ...(accuracy !== undefined && { accuracy }),
    ...((checked || sums) && { metrics: all }),
    ...(sums && { sums }),
    ...(onTrainingRows && { onTrainingRows }),
  };
}

/**
 * Checks a client's update as the transport does, and returns it as it would arrive.
 *
 * @throws {ProtocolError} If a field is out of its range, or the metrics are too long for a
 * message.
 */
export function checkUpdate(payload: ParameterUpdatePayload): ParameterUpdatePayload {
  if (isPlain(payload)) return payload;
  const code = MessageCode.ParameterUpdate;
  if (Object.keys(payload.metrics ?? {}).length > FEW_METRICS) {
    encodeFrame({ code, payload: { ...payload, parameters: new Float32Array(0) } });
  }
  const message = checkMessage(code, payload);
  return message.code === code ? message.payload : payload;
}

/**
 * Returns true if all fields of an update are those of the built-in handler and in their range, so
 * that the check of a message would find and change nothing.
 */
function isPlain(
  { round, numSamples, steps, loss = 0, metrics = {}, parameters, ...others }:
    ParameterUpdatePayload,
): boolean {
  for (const name in metrics) if (name !== "accuracy") return false;
  const { accuracy = 0 } = metrics;
  return isInRange(round, AT_LEAST_ONE) && isInRange(numSamples, AT_LEAST_ONE) &&
    isCount(steps) && typeof loss === "number" && Number.isFinite(loss) &&
    typeof accuracy === "number" && Number.isFinite(accuracy) &&
    parameters instanceof Float32Array && Object.keys(others).length === 0;
}

/** Returns the reason of a job's failure. */
export function reasonOf(outcome: JobOutcome, expected: JobOutcome["kind"]): string {
  return outcome.kind === "failed"
    ? outcome.reason
    : `Cannot use the pool: expected the outcome ${expected}, got ${outcome.kind}`;
}
