/**
 * Parameters: the vector that a model's state is, its manifest, and the arithmetic on it.
 *
 * @module
 */

export * from "./kernels.ts";
export * from "./manifest.ts";
