/**
 * Messages of a round of secure aggregation, as objects.
 *
 * @module
 */

import type { Bytes } from "./primitives.ts";
import type { RingVector } from "./quantize.ts";

/** Execution of the protocol: a round, and the number of the attempt at it. */
export interface AttemptId {
  /** Round, from 1. */
  readonly round: number;
  /** Attempt at the round, from 1. */
  readonly attempt: number;
}

/** Public keys of a client for one attempt (client to server). */
export interface SecureKeys {
  /** Number of the key pairs, which grows with each that the client makes. */
  readonly serial: number;
  /** X25519 key of the masks, 32 bytes. */
  readonly maskKey: Bytes;
  /** X25519 key of the boxes, 32 bytes. */
  readonly sealKey: Bytes;
  /** Ed25519 signature, 64 bytes, where the clients have keys. */
  readonly signature?: Bytes;
}

/** Member of a session, as its neighbours see it. */
export interface Member extends SecureKeys {
  /** Rank. */
  readonly rank: number;
  /** Ed25519 key of the client, 32 bytes, where the clients have keys. */
  readonly publicKey?: Bytes;
}

/** Neighbours of a member and the member itself (server to client). */
export interface SecureMembers extends AttemptId {
  /** Number of shares that give back a secret. */
  readonly threshold: number;
  /** Neighbours and the member itself, in the order of the ring. */
  readonly members: readonly Member[];
}

/** Sealed shares of a member's secrets for another one. */
export interface SealedShare {
  /** Rank of the receiver, or of the sender where the server passes it on. */
  readonly rank: number;
  /** Sealed shares of the mask key and of the seed, 102 bytes. */
  readonly box: Bytes;
}

/** Sealed shares: one for each neighbour, or from each neighbour that shared (both ways). */
export interface SecureShares extends AttemptId {
  /** Boxes. */
  readonly shares: readonly SealedShare[];
}

/** Update under masks (client to server). */
export interface MaskedUpdate extends AttemptId {
  /** Values and lanes, plus the masks. */
  readonly masked: RingVector;
  /** SHA-256 of the seed of the member's own mask. */
  readonly seedDigest: Bytes;
}

/** Members whose update has arrived, for the members to sign (server to client). */
export interface SurvivorList extends AttemptId {
  /** Their ranks, in ascending order. */
  readonly survivors: readonly number[];
}

/** Signature of a list of survivors (client to server). */
export interface SurvivorVote extends AttemptId {
  /** Ed25519 signature, 64 bytes. */
  readonly signature: Bytes;
}

/** Request for the shares by which the masks are taken away (server to client). */
export interface UnmaskRequest extends AttemptId {
  /** Neighbours that shared, but sent no masked update. All other neighbours survived. */
  readonly dropped: readonly number[];
  /** Votes of neighbours, and of the member itself, where clients vote. */
  readonly votes?: readonly { readonly rank: number; readonly signature: Bytes }[];
}

/** Shares that a member holds (client to server). */
export interface UnmaskShares extends AttemptId {
  /**
   * A share of 33 bytes for each neighbour that shared and for the member itself, in the order of
   * the ring: of the mask key where it dropped, else of the seed.
   */
  readonly shares: readonly Bytes[];
}
