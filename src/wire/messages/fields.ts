/**
 * Schemas of fields that several messages have.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { v } from "../../plan/deps.ts";
import { uint32 } from "../../plan/schemas.ts";

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
/** Array of bytes. */
export const bytes = v.instance<new () => Uint8Array<ArrayBuffer>>(Uint8Array);
/** A vector. */
export const vector = v.instance<new () => ParameterVector>(Float32Array);
