/**
 * The message `Error`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { textLine } from "../../plan/schemas.ts";
import { MOST_NEIGHBOURS, rank, round } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Most characters of {@linkcode ErrorPayload.message}. */
export const MOST_MESSAGE_LENGTH = 4096;

/** Payload of `Error`, both ways. */
export interface ErrorPayload {
  /** Name of the fault, such as `"non-finite"`. */
  readonly fault: string;
  /** One line: what was expected, and what was received. */
  readonly message: string;
  /** `true` if the connection ends with it. */
  readonly fatal: boolean;
  /** From a client, with `"cannot-train"`: the round for which there will be no update. */
  readonly round?: number;
  /**
   * From a client, with `"cannot-train"`: ranks whose boxes of secure aggregation hold no share for
   * it.
   */
  readonly accused?: readonly number[];
}

/** Report of a fault of the other side. */
export const error = messageType(
  8,
  v.object({
    fault: textLine(64),
    message: textLine(MOST_MESSAGE_LENGTH),
    fatal: v.boolean(),
    round: v.exactOptional(round),
    accused: v.exactOptional(v.pipe(v.array(rank), v.maxLength(MOST_NEIGHBOURS))),
  }),
);
