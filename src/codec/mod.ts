/**
 * Codecs: vectors in fewer bytes.
 *
 * @module
 */

export type * from "./codec.ts";
export { codedBytes, decodeVector, encodeVector } from "./coding.ts";
export type { IntegerOptions } from "./integer.ts";
export * from "./registry.ts";
export type { CodedVector, VectorCoder } from "./vector_coder.ts";
