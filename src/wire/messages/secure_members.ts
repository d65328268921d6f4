/**
 * The message `SecureMembers`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { uint32, wholeNumber } from "../../plan/schemas.ts";
import {
  attempt,
  bytesOf,
  KEY_BYTES,
  MEMBERS_BYTES,
  MOST_NEIGHBOURS,
  rank,
  round,
  SIGNATURE_BYTES,
} from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Member of secure aggregation, as its neighbours see it. */
export interface SecureMember {
  /** Rank. */
  readonly rank: number;
  /** Number of its key pairs. */
  readonly serial: number;
  /** X25519 key of the masks, 32 bytes. */
  readonly maskKey: Uint8Array<ArrayBuffer>;
  /** X25519 key of the boxes, 32 bytes. */
  readonly sealKey: Uint8Array<ArrayBuffer>;
  /** Ed25519 signature of the keys, 64 bytes, where the clients have keys. */
  readonly signature?: Uint8Array<ArrayBuffer>;
  /** Ed25519 key of the client, 32 bytes, where the clients have keys. */
  readonly publicKey?: Uint8Array<ArrayBuffer>;
}

/** Payload of `SecureMembers`, server to client. */
export interface SecureMembersPayload {
  /** The round, from 1. */
  readonly round: number;
  /** The attempt at the round. */
  readonly attempt: number;
  /** Number of shares that give back a secret. */
  readonly threshold: number;
  /** Neighbours of the client and the client itself, in the order of the ring; at most 255. */
  readonly members: readonly SecureMember[];
}

/** Members among whom a client shares its secrets. */
export const secureMembers = messageType(
  25,
  v.object({
    round,
    attempt,
    threshold: uint32(1),
    members: v.pipe(
      v.array(v.object({
        rank,
        serial: wholeNumber(1),
        maskKey: bytesOf(KEY_BYTES),
        sealKey: bytesOf(KEY_BYTES),
        signature: v.exactOptional(bytesOf(SIGNATURE_BYTES)),
        publicKey: v.exactOptional(bytesOf(KEY_BYTES)),
      })),
      v.maxLength(MOST_NEIGHBOURS),
    ),
  }),
  { mostBytes: MEMBERS_BYTES },
);
