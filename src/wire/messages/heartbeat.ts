/**
 * The message `Heartbeat`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { wholeNumber } from "../../plan/schemas.ts";
import { messageType } from "./message_type.ts";

/** Payload of `Heartbeat`, both ways. */
export interface HeartbeatPayload {
  /** From the server: a number that changes whenever the run makes progress. */
  readonly progress?: number;
  /**
   * From a client: the bytes that it has received on the connection. Where its `Ready` says so, it
   * tells them when it has received a vector.
   */
  readonly received?: number;
}

/** Sign of life. */
export const heartbeat = messageType(
  7,
  v.object({
    progress: v.exactOptional(wholeNumber(0)),
    received: v.exactOptional(wholeNumber(0)),
  }),
);
