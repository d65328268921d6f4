/**
 * Settings of local training.
 *
 * @module
 */

export type { LocalRule } from "./rules/rules.ts";
export type { Metrics, OptimizerName, TrainSettings } from "./settings.ts";
export type { TrainPlan } from "./train_plan.ts";
