/**
 * The message `SurvivorVote`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { attempt, bytesOf, KEYS_BYTES, round, SIGNATURE_BYTES } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `SurvivorVote`, client to server. */
export interface SurvivorVotePayload {
  /** The round, from 1. */
  readonly round: number;
  /** The attempt at the round. */
  readonly attempt: number;
  /** Ed25519 signature of the list of survivors, 64 bytes. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Signature of a list of survivors. */
export const survivorVote = messageType(
  29,
  v.object({ round, attempt, signature: bytesOf(SIGNATURE_BYTES) }),
  { mostBytes: KEYS_BYTES },
);
