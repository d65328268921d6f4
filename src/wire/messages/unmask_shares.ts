/**
 * The message `UnmaskShares`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { attempt, bytesOf, MOST_NEIGHBOURS, NEIGHBOURS_BYTES, round } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Length of a share: 32 bytes and its point. */
const SHARE_BYTES = 33;

/** Payload of `UnmaskShares`, client to server. */
export interface UnmaskSharesPayload {
  /** The round, from 1. */
  readonly round: number;
  /** The attempt at the round. */
  readonly attempt: number;
  /**
   * A share of 33 bytes for each neighbour that has shared and for the client itself, in the order
   * of the ring: of the mask key where it dropped, else of the seed.
   */
  readonly shares: readonly Uint8Array<ArrayBuffer>[];
}

/** Shares of secrets that a client holds. */
export const unmaskShares = messageType(
  31,
  v.object({
    round,
    attempt,
    shares: v.pipe(v.array(bytesOf(SHARE_BYTES)), v.maxLength(MOST_NEIGHBOURS)),
  }),
  { mostBytes: NEIGHBOURS_BYTES },
);
