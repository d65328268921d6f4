/**
 * The message `Exit`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { textLine } from "../../plan/schemas.ts";
import { messageType } from "./message_type.ts";

/** Most characters of {@linkcode ExitPayload.reason}. */
export const MOST_REASON_LENGTH = 1024;

/** Payload of `Exit`, both ways. */
export interface ExitPayload {
  /** Reason why the run ends, for the log. */
  readonly reason: string;
  /**
   * From the server: true if the run is over, or its operator ended it; false if an error stopped
   * it before its end, so that it may be resumed and its clients started again.
   */
  readonly over?: boolean;
  /** From the server: true if another run begins at the same address, which the client joins. */
  readonly next?: boolean;
}

/** End of the run; the other side answers with the same message. */
export const exit = messageType(
  4,
  v.object({
    reason: textLine(MOST_REASON_LENGTH),
    over: v.exactOptional(v.boolean()),
    next: v.exactOptional(v.boolean()),
  }),
);
