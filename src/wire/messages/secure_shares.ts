/**
 * The message `SecureShares`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { attempt, bytesOf, MOST_NEIGHBOURS, NEIGHBOURS_BYTES, rank, round } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Length of a box: a nonce of 12 bytes, 74 bytes of content, and a tag of 16 bytes. */
const BOX_BYTES = 102;

/** Payload of `SecureShares`, both ways. */
export interface SecureSharesPayload {
  /** The round, from 1. */
  readonly round: number;
  /** The attempt at the round. */
  readonly attempt: number;
  /**
   * Boxes of 102 bytes with sealed shares: from a client one for each neighbour, with the
   * neighbour's rank; from the server one from each neighbour that has shared, with the rank of its
   * sender.
   */
  readonly shares: readonly { readonly rank: number; readonly box: Uint8Array<ArrayBuffer> }[];
}

/** Sealed shares of secrets, which the server passes on and cannot read. */
export const secureShares = messageType(
  26,
  v.object({
    round,
    attempt,
    shares: v.pipe(
      v.array(v.object({ rank, box: bytesOf(BOX_BYTES) })),
      v.maxLength(MOST_NEIGHBOURS),
    ),
  }),
  { mostBytes: NEIGHBOURS_BYTES },
);
