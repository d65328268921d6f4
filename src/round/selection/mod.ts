/**
 * Client selection.
 *
 * @module
 */

export * from "./availability.ts";
export * from "./power_of_choice.ts";
export * from "./registry.ts";
export * from "./round_robin.ts";
export * from "./samples.ts";
export * from "./selection.ts";
export * from "./uniform.ts";
