import { bytesOf, concat } from "../base/bytes.ts";
import { label, text, u32, u64 } from "./encoding.ts";
import type { AttemptId, SecureKeys } from "./messages.ts";
import { type Bytes, sha256 } from "./primitives.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { LANES } from "./quantize.ts";
import { type Ring, RING_BITS } from "./ring.ts";

/** Beginning of what is hashed or signed: keeps it from serving any other purpose. */
const SALT_CONTEXT = "fedlab-secagg-v1";
const KEYS_CONTEXT = "fedlab-secagg-keys-v1";
const VOTE_CONTEXT = "fedlab-secagg-vote-v1";

/** Codes of the ways to round, in the salt. */
const ROUNDINGS: Readonly<Record<Ring["rounding"], number>> = { "random": 0, "toward-zero": 1 };

/** Session that a salt stands for. */
export interface SaltedSession extends AttemptId {
  /** Name of the run. */
  readonly run: string;
  /** Global vector as this client received it, in the memory of one attempt or longer. */
  readonly vector: ParameterVector;
  /** Ring as this client knows it. */
  readonly ring: Ring;
  /** Encoding of what this client was told of its training, such as its settings. */
  readonly told: Bytes;
}

/**
 * Computes the salt of all keys of an attempt. It is never sent: each client computes it from what
 * it received. A client with another model, another ring or other settings of training so derives
 * other keys: its boxes do not open, and no masks cancel. Else a server could read a client out of
 * the sum by having all others train with a learning rate of 0.
 *
 * Pasquini et al. 2022, "Eluding Secure Aggregation in Federated Learning via Model Inconsistency".
 */
export async function sessionSalt(
  { run, round, attempt, vector, ring, told }: SaltedSession,
): Promise<Bytes> {
  const [vectorDigest, toldDigest] = await Promise.all([sha256(bytesOf(vector)), sha256(told)]);
  return await sha256(
    ...[text(SALT_CONTEXT), text(run), u32(round), u32(attempt), vectorDigest],
    ...[Uint8Array.of(RING_BITS), u64(vector.length + LANES)],
    bytesOf(Float64Array.of(ring.clip, ring.maxSamples, ring.maxLoss)),
    ...[u32(ring.maxMembers), Uint8Array.of(ROUNDINGS[ring.rounding])],
    toldDigest,
  );
}

/** Returns the info of the key of a mask of two members, the one of lower rank first. */
export function pairInfo(
  lower: { readonly rank: number; readonly maskKey: Bytes },
  higher: { readonly rank: number; readonly maskKey: Bytes },
): Bytes {
  const parts = [label("mask"), u32(lower.rank), u32(higher.rank), lower.maskKey, higher.maskKey];
  return concat(parts);
}

/** Returns the info of the key of a member's own mask. */
export function selfInfo(rank: number): Bytes {
  return concat([label("self"), u32(rank)]);
}

/** Returns the info of the key of a box. */
export function sealInfo(from: number, to: number): Bytes {
  return concat([label("seal"), u32(from), u32(to)]);
}

/** Returns what a client signs for its keys. */
export function signedKeys(run: string, rank: number, keys: SecureKeys): Bytes {
  const { serial, maskKey, sealKey } = keys;
  return concat([text(KEYS_CONTEXT), text(run), u32(rank), u64(serial), maskKey, sealKey]);
}

/** Returns what a client signs for a list of survivors. */
export async function signedSurvivors(
  run: string,
  { round, attempt }: AttemptId,
  survivors: readonly number[],
): Promise<Bytes> {
  const list = await sha256(...survivors.map(u32));
  return concat([text(VOTE_CONTEXT), text(run), u32(round), u32(attempt), list]);
}
