/**
 * The message `Proof`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { messageType } from "./message_type.ts";

/** Method by which a client proves its identity: a signature, or knowledge of a shared token. */
export type AuthMethod = "ed25519" | "token";

/** Payload of `Proof`, client to server, in answer to `Challenge`. */
export interface ProofPayload {
  /** Method of the proof. */
  readonly method: AuthMethod;
  /** With `"ed25519"`: the client's public key, 32 bytes in base64url without padding. */
  readonly publicKey?: string;
  /**
   * The Ed25519 signature of 64 bytes, or the HMAC-SHA-256 of 32 bytes, in hexadecimal.
   */
  readonly signature: string;
}

/** Proof of a client's identity. */
export const proof = messageType(
  11,
  v.object({
    method: v.picklist(["ed25519", "token"]),
    publicKey: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))),
    signature: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{64}|[0-9a-f]{128})$/)),
  }),
);
