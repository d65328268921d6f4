/**
 * The message `SecureKeys`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { wholeNumber } from "../../plan/schemas.ts";
import { attempt, bytesOf, KEY_BYTES, KEYS_BYTES, round, SIGNATURE_BYTES } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `SecureKeys`, both ways: the server asks for keys, and the client names them. */
export interface SecureKeysPayload {
  /** The round, from 1. */
  readonly round: number;
  /**
   * The attempt at the round. It grows with each attempt, also after the server has been started
   * again.
   */
  readonly attempt: number;
  /** From a client: number of the key pairs, which grows with each that the client makes. */
  readonly serial?: number;
  /** From a client: X25519 key of the masks, 32 bytes. */
  readonly maskKey?: Uint8Array<ArrayBuffer>;
  /** From a client: X25519 key of the boxes, 32 bytes. */
  readonly sealKey?: Uint8Array<ArrayBuffer>;
  /** From a client with an Ed25519 key: signature of the keys, 64 bytes. */
  readonly signature?: Uint8Array<ArrayBuffer>;
}

/** Public keys of a client for one attempt at a round of secure aggregation. */
export const secureKeys = messageType(
  24,
  v.object({
    round,
    attempt,
    serial: v.exactOptional(wholeNumber(1)),
    maskKey: v.exactOptional(bytesOf(KEY_BYTES)),
    sealKey: v.exactOptional(bytesOf(KEY_BYTES)),
    signature: v.exactOptional(bytesOf(SIGNATURE_BYTES)),
  }),
  { mostBytes: KEYS_BYTES },
);
