/**
 * Schemas of fields that several messages have.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { v } from "../../plan/deps.ts";
import { textLine, uint32 } from "../../plan/schemas.ts";

/** Rank of a client. */
export const rank = uint32(1);
/** Round, from 1. */
export const round = uint32(1);
/** Size of a group, the server included. */
export const worldSize = uint32(2);
/** Session token. */
export const sessionToken = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
/** SHA-256, or as many other bytes, in hexadecimal. */
export const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** Maximum number of characters of the name of a codec with its settings. */
export const CODEC_LENGTH = 64;
/** Maximum number of codecs that a client names. */
export const MAX_CODECS = 64;
/** Length of a trace context: a `traceparent` of W3C Trace Context. */
const TRACE_LENGTH = 55;
/** Trace context of a round. */
export const trace = textLine(TRACE_LENGTH);
/** Array of bytes. */
export const bytes = v.instance<new () => Uint8Array<ArrayBuffer>>(Uint8Array);
/** A vector. */
export const vector = v.instance<new () => ParameterVector>(Float32Array);
/** A vector of integers modulo 2^32. */
export const ringVector = v.instance<new () => Uint32Array<ArrayBuffer>>(Uint32Array);
/** Number of the attempt at a round of secure aggregation. */
export const attempt = uint32(1);

/** Makes the schema of a string of bytes of a length. */
export function bytesOf(length: number): v.GenericSchema<unknown, Uint8Array<ArrayBuffer>> {
  return v.pipe(bytes, v.length(length));
}

/** Most neighbours of a member of secure aggregation, the member itself among them. */
export const MOST_NEIGHBOURS = 255;
/** Length of a public key, a seed or a digest. */
export const KEY_BYTES = 32;
/** Length of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64;
/** Most bytes of a message about the neighbours of a member. */
export const NEIGHBOURS_BYTES = 65_536;
/** Most bytes of a message with the signed keys of the neighbours of a member. */
export const MEMBERS_BYTES = 98_304;
/** Most bytes of a message of a few keys. */
export const KEYS_BYTES = 1024;
