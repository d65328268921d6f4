import { errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { Writable } from "../../base/writable.ts";
import { squaredDistance, stats } from "../../params/kernels.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { sendsGradient } from "../../plan/rules/rules.ts";
import { type AllowedSettings, mostSteps } from "../../plan/own_settings.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ClientUpdate } from "../../strategy/strategy.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { ServerStrategy } from "./server_strategy.ts";

/**
 * Checks an update without changing anything.
 *
 * @param base The vector that the client started from.
 * @returns The L2 norm of the update's change from `base`, or of the gradient.
 * @throws {ProtocolError} "shape-mismatch", "invalid-field", "non-finite" or "out-of-bounds".
 */
export function checkUpdate(
  sender: Rank,
  payload: ParameterUpdatePayload,
  base: ParameterVector,
  { manifest, plan, strategy, allows }: {
    readonly manifest: Manifest;
    readonly plan: TrainSettings;
    readonly strategy: ServerStrategy;
    readonly allows?: AllowedSettings | undefined;
  },
): number {
  const { parameters } = payload;
  const where = `Cannot take the update of rank ${sender}`;
  if (parameters.length !== manifest.length) {
    throw new ProtocolError(
      "shape-mismatch",
      `${where}: expected ${manifest.length} values, got ${parameters.length}`,
    );
  }
  const isGradient = sendsGradient(strategy.clientSettings?.rule);
  // The distance is finite exactly when all values are.
  const norm = isGradient ? stats(parameters).norm : Math.sqrt(squaredDistance(parameters, base));
  if (!Number.isFinite(norm)) {
    const { nonFinite } = stats(parameters);
    throw new ProtocolError(
      "non-finite",
      `${where}: expected finite values, got ${nonFinite} that are not`,
    );
  }
  checkFigures(sender, payload, { plan, strategy, allows });
  return norm;
}

/**
 * Checks the figures of an update without its vector.
 *
 * @throws {ProtocolError} "invalid-field" or "out-of-bounds".
 */
export function checkFigures(
  sender: Rank,
  payload: ParameterUpdatePayload,
  { plan, strategy, allows }: {
    readonly plan: TrainSettings;
    readonly strategy: Pick<ServerStrategy, "check" | "countsSteps">;
    readonly allows?: AllowedSettings | undefined;
  },
): void {
  const where = `Cannot take the update of rank ${sender}`;
  if (payload.numSamples === undefined) {
    throw new ProtocolError("invalid-field", `${where}: expected the field numSamples, got none`);
  }
  try {
    strategy.check?.(toClientUpdate(sender, payload));
  } catch (cause) {
    throw new ProtocolError("invalid-field", errorMessage(cause), { cause });
  }
  if (strategy.countsSteps) checkSteps(where, payload, plan, allows);
}

/** Converts an update to the form that algorithms take. */
export function toClientUpdate(
  rank: Rank,
  { parameters, numSamples = 1, steps, loss, metrics }: ParameterUpdatePayload,
): ClientUpdate {
  const update: Writable<ClientUpdate> = { rank, parameters, numSamples };
  if (steps !== undefined) update.steps = steps;
  if (loss !== undefined) update.loss = loss;
  if (metrics !== undefined) update.metrics = metrics;
  return update;
}

/**
 * Limit of the steps that a client may report, as a multiple of those in the plan. A custom handler
 * may take more steps than planned, but none takes that many.
 */
const MAX_STEPS_FACTOR = 10;

/** Throws a `ProtocolError` for far more steps than the plan implies for the number of samples. */
function checkSteps(
  where: string,
  { numSamples = 1, steps = NaN }: ParameterUpdatePayload,
  plan: TrainSettings,
  allows: AllowedSettings | undefined,
): void {
  const most = MAX_STEPS_FACTOR * mostSteps(plan, allows, numSamples);
  if (steps <= most) return;
  throw new ProtocolError(
    "out-of-bounds",
    `${where}: expected at most ${most} steps on ${numSamples} samples, got ${steps}`,
  );
}
