/**
 * Models on disk.
 *
 * @module
 */

export * from "./safetensors.ts";
