/**
 * The message `Challenge`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { textLine } from "../../plan/schemas.ts";
import { digest } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `Challenge`, server to client, in answer to `Registration`. */
export interface ChallengePayload {
  /** 32 random bytes in hexadecimal, for this connection alone. */
  readonly nonce: string;
  /** The proofs that the server accepts: an `AuthMethod`, or one that a later version may add. */
  readonly methods: readonly string[];
  /** The server's name, 1 to 256 characters. */
  readonly server: string;
  /** The run's name, at most 64 characters. */
  readonly run: string;
}

/** Request of the server that a client prove its identity. */
export const challenge = messageType(
  10,
  v.object({
    nonce: digest,
    methods: v.pipe(v.array(textLine(32)), v.maxLength(16)),
    server: v.pipe(textLine(256), v.minLength(1)),
    run: v.pipe(textLine(64), v.minLength(1)),
  }),
);
