/**
 * Local training, without any library.
 *
 * @module
 */

export type { BatchLoss, Trainer } from "./_trainer.ts";
export type { BackendChoice, EngineChoice } from "./engine_choice.ts";
export * from "./cannot_train.ts";
export * from "./handler.ts";
export * from "./local_rule.ts";
export * from "./model_description.ts";
export * from "./models.ts";
export { UnsupportedModelError } from "./native/_graph.ts";
export * from "./native/handler.ts";
export * from "./sgd_handler.ts";
