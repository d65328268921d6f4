/**
 * Local training: handlers, models and their descriptions.
 *
 * @module
 */

export type {
  BatchLoss,
  BeginOptions,
  JudgeOptions,
  Observe,
  StepSums,
  Trainer,
} from "./trainer.ts";
export type { BackendChoice, EngineChoice } from "./engine_choice.ts";
export * from "./client_privacy.ts";
export * from "./handler.ts";
export { type ClassMetrics, classMetrics } from "./metrics/class_metrics.ts";
export { addSums } from "./metrics/add_sums.ts";
export { type MetricName, metricsOf } from "./metrics/metrics.ts";
export * from "./rules/learner.ts";
export * from "./models/language.ts";
export * from "./models/model_description.ts";
export * from "./models/model_file.ts";
export * from "./models/models.ts";
export * from "./models/seed_initializers.ts";
export type { SamplesOptions } from "./samples.ts";
export * from "./sgd_handler.ts";
