import { deepFreeze } from "../../base/deep_freeze.ts";
import type { Manifest } from "../../params/manifest.ts";
import { type AllowedSettings, checkAllowed } from "../../plan/own_settings.ts";
import { checkCompatible } from "../../plan/compatibility/conflicts.ts";
import { checkSchedule, type LearningRateSchedule } from "../../plan/schedule.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { spansWithout, untrainedSpans } from "../../strategy/untrained.ts";
import { checkClassWeights } from "../../train/models/class_weights.ts";
import { takesTurns } from "../../train/models/encoder/turns.ts";
import { travellingPart } from "../../train/models/travelling_part.ts";
import { secureSettings } from "../secure/options.ts";
import { NO_SERVER as PROBLEM, resolvePlan } from "./client_plan.ts";
import type { ServerHandlerOptions } from "./options.ts";
import type { ServerStrategy } from "./server_strategy.ts";
import { taskOf } from "./task.ts";

/** Settings of training of a server's handler. */
export interface HandlerSettings {
  readonly plan: TrainSettings;
  readonly schedule: LearningRateSchedule | undefined;
  readonly allows: AllowedSettings | undefined;
}

/**
 * Checks the settings of training in a handler's options, and freezes copies of them.
 *
 * @throws {RangeError} If a setting is out of range or does not suit the strategy.
 */
export function frozenSettings(
  options: ServerHandlerOptions,
  strategy: ServerStrategy,
  manifest: Manifest,
): HandlerSettings {
  const { model, schema, schedule, allows, uplink, downlink } = options;
  const plan = deepFreeze(
    structuredClone(resolvePlan(wantedPlan(options, strategy), strategy, manifest)),
  );
  if (schedule !== undefined) checkSchedule(schedule, PROBLEM);
  if (allows !== undefined) checkAllowed(allows, PROBLEM);
  const fixed = travellingPart(manifest, model, plan.rule)?.others ?? [];
  const task = taskOf({ schema, model });
  checkCompatible({
    plan,
    strategy,
    hasUntrained: spansWithout(untrainedSpans(manifest), fixed).length > 0,
    takesTurns: takesTurns(model),
    ...(schedule && { schedule }),
    ...(allows && { allows }),
    ...(task && { task }),
    ...(uplink && { uplink: uplink.name }),
    ...(downlink && { downlink: downlink.name }),
  }, PROBLEM);
  checkClassWeights(plan, model, PROBLEM);
  return {
    plan,
    schedule: schedule && deepFreeze(structuredClone(schedule)),
    allows: allows && deepFreeze(structuredClone(allows)),
  };
}

/** Returns the given plan with the settings of secure aggregation, which has an option. */
function wantedPlan(
  { plan = {}, secureAggregation: secure }: ServerHandlerOptions,
  { name, privacy }: ServerStrategy,
): Partial<TrainSettings> {
  if (plan.secure !== undefined) {
    throw new RangeError(
      `${PROBLEM}: expected secure aggregation as the option secureAggregation, got it in the plan`,
    );
  }
  if (secure === undefined) {
    if (privacy?.isNoiseShared !== true) return plan;
    throw new RangeError(`${PROBLEM}: expected secure aggregation with ${name}, got none`);
  }
  return { ...plan, secure: secureSettings(secure, privacy?.members?.()) };
}
