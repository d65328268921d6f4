/**
 * The message `UnmaskRequest`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import {
  attempt,
  bytesOf,
  MOST_NEIGHBOURS,
  NEIGHBOURS_BYTES,
  rank,
  round,
  SIGNATURE_BYTES,
} from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `UnmaskRequest`, server to client. */
export interface UnmaskRequestPayload {
  /** The round, from 1. */
  readonly round: number;
  /** The attempt at the round. */
  readonly attempt: number;
  /**
   * Neighbours that have shared, and sent no masked update. All other neighbours that have shared
   * survived: no member can stand on both sides.
   */
  readonly dropped: readonly number[];
  /** Votes of neighbours, and of the client itself, where clients vote. */
  readonly votes?: readonly {
    readonly rank: number;
    readonly signature: Uint8Array<ArrayBuffer>;
  }[];
}

/** Request for the shares by which the masks are taken away. */
export const unmaskRequest = messageType(
  30,
  v.object({
    round,
    attempt,
    dropped: v.pipe(v.array(rank), v.maxLength(MOST_NEIGHBOURS)),
    votes: v.exactOptional(
      v.pipe(
        v.array(v.object({ rank, signature: bytesOf(SIGNATURE_BYTES) })),
        v.maxLength(MOST_NEIGHBOURS),
      ),
    ),
  }),
  { mostBytes: NEIGHBOURS_BYTES },
);
