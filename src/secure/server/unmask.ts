import { agreeOnMasks, type MaskMember, pairMaskKeys, selfMaskKey } from "../client/mask_keys.ts";
import { SecureError } from "../errors.ts";
import { applyMasks } from "../masks.ts";
import { type AgreementPair, type Bytes, equalBytes, pairOf, sha256 } from "../primitives.ts";
import type { RingVector } from "../quantize.ts";
import { fitEachOther, type GivenShare, recoverSecret } from "./recover.ts";

/** Members whose secrets are recovered at a time. */
const BATCH = 64;

/** Secret to recover: of a survivor the seed, of a dropped member the mask key. */
export interface Unknown {
  readonly member: MaskMember;
  readonly given: readonly GivenShare[];
  /** SHA-256 of a survivor's seed. */
  readonly seedDigest?: Bytes;
  /** Surviving neighbours of a dropped member. */
  readonly partners: readonly MaskMember[];
}

/**
 * Takes the masks away from a sum of masked updates, in place: the own masks of the survivors, and
 * what the survivors put in for each dropped member.
 *
 * @returns Ranks that gave wrong shares, which were passed over.
 * @throws {SecureError} "wrong-shares", if a secret cannot be recovered, with the ranks in doubt.
 */
export async function unmask(
  sums: RingVector,
  unknowns: readonly Unknown[],
  { threshold, salt }: { readonly threshold: number; readonly salt: Bytes },
): Promise<number[]> {
  const wrong = new Set<number>();
  for (let start = 0; start < unknowns.length; start += BATCH) {
    const batch = unknowns.slice(start, start + BATCH);
    const keys = await Promise.all(batch.map((unknown) => {
      return unknown.seedDigest === undefined
        ? keysOfDropped(unknown, threshold, salt, wrong)
        : keyOfSurvivor(unknown, threshold, salt, wrong);
    }));
    await applyMasks(sums, {
      add: keys.flatMap(({ add }) => add),
      subtract: keys.flatMap(({ subtract }) => subtract),
    });
  }
  return [...wrong].sort((a, b) => a - b);
}

async function keyOfSurvivor(
  { member, given, seedDigest = new Uint8Array() }: Unknown,
  threshold: number,
  salt: Bytes,
  wrong: Set<number>,
): Promise<{ add: Bytes[]; subtract: Bytes[] }> {
  const found = await recoverSecret(
    given,
    threshold,
    wrong,
    async (seed) => equalBytes(await sha256(seed), seedDigest) ? seed : undefined,
  );
  if (found === undefined) throw lost(member, given, threshold);
  for (const holder of found.wrong) wrong.add(holder);
  return { add: [], subtract: [await selfMaskKey(member.rank, found.secret, salt)] };
}

async function keysOfDropped(
  { member, given, partners }: Unknown,
  threshold: number,
  salt: Bytes,
  wrong: Set<number>,
): Promise<{ add: readonly Bytes[]; subtract: readonly Bytes[] }> {
  const check = async (secret: Bytes): Promise<AgreementPair | undefined> => {
    const pair = await pairOf(secret);
    return equalBytes(pair.publicKey, member.maskKey) ? pair : undefined;
  };
  const found = await recoverSecret(given, threshold, wrong, check);
  if (found === undefined) throw lost(member, given, threshold);
  for (const holder of found.wrong) wrong.add(holder);
  const { privateKey } = found.checked;
  // The dropped member would have added what its partners subtracted: its update's masks are the
  // ones that are missing from the sum.
  return await pairMaskKeys(member, await agreeOnMasks(privateKey, partners), salt);
}

function lost({ rank }: MaskMember, given: readonly GivenShare[], threshold: number): SecureError {
  const problem = `Cannot recover the secret of rank ${rank}`;
  if (fitEachOther(given, threshold)) {
    const message = `${problem}: all of its shares give a secret that is not the one it has told`;
    return new SecureError("wrong-shares", message, { ranks: [rank] });
  }
  const ranks = given.map(({ holder }) => holder);
  return new SecureError(
    "wrong-shares",
    `${problem}: shares of ranks ${
      ranks.join(", ")
    } disagree, so it has dealt wrong ones or they have revealed wrong ones`,
    { ranks },
  );
}
