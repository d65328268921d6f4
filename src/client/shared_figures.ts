import { ProtocolError } from "../base/errors.ts";
import { oneLine } from "../base/printable.ts";
import type { EvaluateResult, Metrics } from "../plan/results.ts";
import type { LocalRule } from "../plan/rules/rules.ts";
import { ownMetrics } from "../train/metrics/own_metrics.ts";
import type { EvaluateParamsPayload } from "../wire/messages.ts";
import type { SharedMetrics } from "./options.ts";

/** Name of the metric that the rule `initial-loss` measures; it is a loss. */
const INITIAL_LOSS = "initialLoss";

/** Maximum number of metrics in a line of the log. */
const MAX_LOGGED = 16;

/** Figures of a training as they are sent. */
interface TrainingFigures {
  readonly loss?: number;
  readonly metrics: Metrics;
}

/**
 * Returns the figures of a training that are sent to the server: those that the client shares, as
 * far as they are finite. The vector may be valid even if they are not.
 */
export function sharedFigures(
  { loss, metrics }: { readonly loss: number; readonly metrics: Metrics },
  share: SharedMetrics,
): TrainingFigures {
  if (share === "none") return { metrics: {} };
  const names = Object.entries(metrics).filter(([name, value]) =>
    Number.isFinite(value) && (share === "all" || name === INITIAL_LOSS)
  );
  return { ...(Number.isFinite(loss) && { loss }), metrics: Object.fromEntries(names) };
}

/** Returns the fields of the answer to an evaluation, with the figures that the client shares. */
export function sharedEvaluation(
  result: EvaluateResult,
  share: SharedMetrics,
): Omit<EvaluateParamsPayload, "round"> {
  const { numSamples, loss, accuracy, sums, onTrainingRows } = result;
  if (share === "none") return { declined: true };
  const known = {
    numSamples,
    ...(Number.isFinite(loss) && { loss }),
    ...(onTrainingRows && { onTrainingRows }),
  };
  if (share === "loss") return known;
  const finite = Object.entries(ownMetrics(result) ?? {}).filter(([, value]) =>
    Number.isFinite(value)
  );
  return {
    ...known,
    ...(accuracy !== undefined && { accuracy }),
    ...(finite.length > 0 && { metrics: Object.fromEntries(finite) }),
    ...(sums && { sums }),
  };
}

/**
 * Checks that the algorithm of a run does not need figures that the client does not share.
 *
 * @throws {ProtocolError} If it does.
 */
export function checkShared(rule: LocalRule | undefined, share: SharedMetrics): void {
  if (share !== "none" || rule?.name !== "initial-loss") return;
  throw new ProtocolError(
    "invalid-field",
    "Cannot join: expected a client that shares its loss, which the algorithm needs, got one that shares no metrics",
  );
}

/** Formats figures for a line of the log, such as `"loss 0.1234, accuracy 0.9000"`. */
export function figuresText(
  { loss, accuracy, metrics = {} }: {
    readonly loss: number;
    readonly accuracy?: number;
    readonly metrics?: Metrics;
  },
): string {
  const others = Object.entries(metrics).filter(([name]) =>
    name !== "accuracy" || accuracy === undefined
  );
  return [
    `loss ${loss.toFixed(4)}`,
    ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(4)}`]),
    ...others.slice(0, MAX_LOGGED).map(([name, value]) =>
      `${oneLine(name)} ${+value.toPrecision(5)}`
    ),
  ].join(", ");
}
