/**
 * The message `CompressedUpdate`.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { v } from "../../plan/deps.ts";
import { textLine, wholeNumber } from "../../plan/schemas.ts";
import { bytes, CODEC_LENGTH, round, vector } from "./fields.ts";
import { messageType } from "./message_type.ts";
import { type ParameterUpdatePayload, updateFields } from "./parameter_update.ts";

/**
 * Payload of `CompressedUpdate`, both ways: a `ParameterUpdate` whose vector is encoded.
 *
 * From the server the codes stand for the parameters, or for the difference of their encoded form
 * to that of the parameters of the number `base`. From a client they stand for the difference of
 * its parameters to those that it was sent.
 */
export interface CompressedUpdatePayload
  extends Omit<ParameterUpdatePayload, "parameters" | "control"> {
  /** Name of the codec, with its settings. */
  readonly codec: string;
  /**
   * From the server: number of the parameters that the client has and that the codes are the
   * difference to, which is the round that it had them for, or the one after an evaluated round.
   */
  readonly base?: number;
  /** Scales of the codes. */
  readonly scales: ParameterVector;
  /** Codes of the values that training changes by gradient. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** Other values as they are, such as moving statistics. Absent for none. */
  readonly plain?: ParameterVector;
}

/** Encoded parameters of the server, or an encoded update of a client. */
export const compressedUpdate = messageType(
  22,
  v.object({
    ...updateFields,
    taken: v.exactOptional(wholeNumber(0)),
    codec: textLine(CODEC_LENGTH),
    base: v.exactOptional(round),
    scales: vector,
    codes: bytes,
    plain: v.exactOptional(vector),
  }),
  { isBulk: true },
);
