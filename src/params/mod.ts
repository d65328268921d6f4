/**
 * Parameters: the vector of a model's state, its manifest, and arithmetic on it.
 *
 * @module
 */

export { BufferPool } from "./buffer_pool.ts";
export * from "./kernels.ts";
export * from "./manifest.ts";
