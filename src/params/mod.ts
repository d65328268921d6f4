/**
 * Parameters: the vector of a model's state, its manifest, and arithmetic on it.
 *
 * @module
 */

export { BufferPool, type BufferRequest } from "./buffer_pool.ts";
export { ExactSum } from "./exact_sum.ts";
export { ExactTotal } from "./exact_total.ts";
export { exactWeight } from "./exact_weight.ts";
export * from "./kernels.ts";
export * from "./manifest.ts";
