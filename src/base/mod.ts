/**
 * Errors, logs, random numbers and the version.
 *
 * @module
 */

export * from "./errors.ts";
export * from "./log/log.ts";
export * from "./random.ts";
export type { StreamPlace } from "./stream_place.ts";
export * from "./version.ts";
