/**
 * Local training, without any library.
 *
 * @module
 */

export type { BatchLoss, Trainer } from "./_trainer.ts";
export * from "./handler.ts";
export * from "./model_description.ts";
export * from "./models.ts";
export { UnsupportedModelError } from "./native/_graph.ts";
export * from "./native/handler.ts";
export * from "./sgd_handler.ts";
