/**
 * Aggregation.
 *
 * @module
 */

export * from "./fedavg.ts";
export * from "./strategy.ts";
