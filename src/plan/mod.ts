/**
 * Local training: settings, the rules of algorithms, results.
 *
 * @module
 */

export { CannotTrainError } from "./cannot_train.ts";
export type { EvaluateResult, GradientResult, Metrics, TrainResult } from "./results.ts";
export type { DittoRule } from "./rules/ditto.ts";
export type { FedDynRule } from "./rules/feddyn.ts";
export type { FedPerRule } from "./rules/fedper.ts";
export type { GradientRule } from "./rules/gradient.ts";
export type { InitialLossRule } from "./rules/initial_loss.ts";
export { keepsState, type LocalRule, takesControl } from "./rules/rules.ts";
export type { ScaffoldRule } from "./rules/scaffold.ts";
export type { OptimizerName, TrainSettings } from "./settings.ts";
export type { TrainPlan } from "./train_plan.ts";
