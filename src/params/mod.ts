/**
 * Parameters: the vector that a model's state is, its manifest, and the arithmetic on it.
 *
 * @module
 */

export { BufferPool } from "./buffer_pool.ts";
export * from "./kernels.ts";
export * from "./manifest.ts";
