/**
 * Aggregation.
 *
 * @module
 */

export * from "./async_registry.ts";
export * from "./async_strategy.ts";
export * from "./bulyan.ts";
export * from "./client_side.ts";
export * from "./coordinate_median.ts";
export * from "./fedadagrad.ts";
export * from "./fedadam.ts";
export * from "./fedasync.ts";
export * from "./fedavg.ts";
export * from "./fedavgm.ts";
export * from "./feddyn.ts";
export * from "./fedbuff.ts";
export * from "./fednova.ts";
export * from "./fedsgd.ts";
export * from "./fedyogi.ts";
export * from "./geometric_median.ts";
export * from "./krum.ts";
export * from "./norm_clipping.ts";
export * from "./qfedavg.ts";
export * from "./registry.ts";
export * from "./scaffold.ts";
export * from "./server_optimizer.ts";
export * from "./staleness.ts";
export * from "./strategy.ts";
export * from "./trimmed_mean.ts";
