/**
 * Local training, without any library.
 *
 * @module
 */

export * from "./handler.ts";
export * from "./model_description.ts";
export * from "./models.ts";
