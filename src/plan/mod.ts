/**
 * Local training: settings, the rules of algorithms, results.
 *
 * @module
 */

export type { AnnouncedPrivacy } from "./announced_privacy.ts";
export { CannotTrainError } from "./cannot_train.ts";
export type { ClassSums, MeasureSums, MetricSums, ScoreHistogram } from "./metric_sums.ts";
export type { AllowedSettings, OwnSettings, SettingRange } from "./own_settings.ts";
export type { EvaluateResult, GradientResult, Metrics, TrainResult } from "./results.ts";
export { keepsState, type LocalRule, takesControl } from "./rules/rules.ts";
export {
  type ConstantSchedule,
  type CosineSchedule,
  type ExponentialSchedule,
  learningRateAt,
  type LearningRateSchedule,
  type ScheduleWarmup,
  type StepSchedule,
} from "./schedule.ts";
export type { SecureSettings, SharedNoise } from "./secure_settings.ts";
export { OPTIMIZER_NAMES, type OptimizerName, type TrainSettings } from "./settings.ts";
export type { TrainPlan } from "./train_plan.ts";
