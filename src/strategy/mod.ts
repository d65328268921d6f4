/**
 * Aggregation.
 *
 * @module
 */

export * from "./asynchronous/async_registry.ts";
export * from "./asynchronous/async_strategy.ts";
export * from "./robust/bulyan.ts";
export * from "./client_side.ts";
export * from "./robust/coordinate_median.ts";
export * from "./server_optimizer/fedadagrad.ts";
export * from "./server_optimizer/fedadam.ts";
export * from "./asynchronous/fedasync.ts";
export * from "./averaging/fedavg.ts";
export * from "./server_optimizer/fedavgm.ts";
export * from "./averaging/feddyn.ts";
export * from "./asynchronous/fedbuff.ts";
export * from "./averaging/fednova.ts";
export * from "./averaging/fedsgd.ts";
export * from "./server_optimizer/fedyogi.ts";
export * from "./robust/geometric_median.ts";
export * from "./robust/krum.ts";
export * from "./robust/norm_clipping.ts";
export * from "./averaging/qfedavg.ts";
export * from "./registry.ts";
export * from "./averaging/scaffold.ts";
export * from "./server_optimizer/server_optimizer.ts";
export * from "./asynchronous/staleness.ts";
export * from "./strategy.ts";
export * from "./robust/trimmed_mean.ts";
