/**
 * The message `MaskedUpdate`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { attempt, bytesOf, KEY_BYTES, ringVector, round } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `MaskedUpdate`, client to server. */
export interface MaskedUpdatePayload {
  /** The round, from 1. */
  readonly round: number;
  /** The attempt at the round. */
  readonly attempt: number;
  /** SHA-256 of the seed of the client's own mask, 32 bytes. */
  readonly seedDigest: Uint8Array<ArrayBuffer>;
  /**
   * Quantized update under masks, modulo 2^32: an integer for each parameter that travels, and four
   * lanes behind them.
   */
  readonly masked: Uint32Array<ArrayBuffer>;
}

/** Update of a client under masks. */
export const maskedUpdate = messageType(
  27,
  v.object({ round, attempt, seedDigest: bytesOf(KEY_BYTES), masked: ringVector }),
  { isBulk: true },
);
