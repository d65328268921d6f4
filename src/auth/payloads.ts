/**
 * What the two messages of authentication carry.
 *
 * @module
 */

/** How a client proves who it is: by a signature, or by knowing a shared token. */
export type AuthMethod = "ed25519" | "token";

/** `Challenge`, server to client, in answer to `Registration`. */
export interface ChallengePayload {
  /** 32 random bytes in hexadecimal, for this connection alone. */
  readonly nonce: string;
  /** The proofs that the server takes: an {@linkcode AuthMethod}, or what a later version may add. */
  readonly methods: readonly string[];
  /** The server's name, 1 to 256 characters. */
  readonly server: string;
  /** The run's name, at most 64 characters. */
  readonly run: string;
}

/** `Proof`, client to server, in answer to `Challenge`. */
export interface ProofPayload {
  /** What the proof is. */
  readonly method: AuthMethod;
  /** Of `"ed25519"`: the client's public key, 32 bytes in base64url without padding. */
  readonly publicKey?: string;
  /** The Ed25519 signature of 64 bytes, or the HMAC-SHA-256 of 32 bytes, in hexadecimal. */
  readonly signature: string;
}
