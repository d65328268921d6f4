/**
 * Errors, logs, random numbers and the version.
 *
 * @module
 */

export * from "./errors.ts";
export * from "./log/log.ts";
export * from "./random.ts";
export * from "./version.ts";
