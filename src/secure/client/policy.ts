import { checkInRange } from "../../base/check.ts";
import { SecureError } from "../errors.ts";
import type { Member, SecureMembers } from "../messages.ts";
import { isLowOrder } from "../low_order.ts";
import { equalBytes, KEY_BYTES, verify } from "../primitives.ts";
import { signedKeys } from "../salt.ts";
import { MOST_SHARES } from "../shamir.ts";

/** Conditions under which a client takes part, whatever the server asks for. */
export interface ClientPolicy {
  /**
   * Smallest number of members that it wants to see, itself included, from 3.
   *
   * @default {5}
   */
  readonly minMembers?: number;
  /**
   * Tells if an Ed25519 public key of 32 bytes belongs to the federation. With it, members need
   * signed keys, each of another owner, and survivors are voted on: the server cannot take the
   * place of members.
   */
  readonly isListed?: (publicKey: Uint8Array) => boolean;
}

/** Least number of members of any session: among fewer, the sum tells each about the other. */
export const LEAST_MEMBERS = 3;
const DEFAULT_MIN_MEMBERS = 5;

/**
 * Returns the smallest number of members of a policy.
 *
 * @throws {RangeError} If it is below 3.
 */
export function minMembersOf({ minMembers = DEFAULT_MIN_MEMBERS }: ClientPolicy): number {
  const range = { whole: true, least: LEAST_MEMBERS };
  return checkInRange(minMembers, range, "Cannot use the policy: minMembers");
}

/** The client's own part of what {@linkcode checkSession} compares. */
export interface OwnPart {
  readonly run: string;
  readonly rank: number;
  readonly policy: ClientPolicy;
  /** Keys that it sent for this attempt. */
  readonly keys: Pick<Member, "serial" | "maskKey" | "sealKey">;
}

/**
 * Checks the members that a server names.
 *
 * @throws {SecureError} Naming what this client does not accept.
 */
export async function checkSession(
  { threshold, members }: SecureMembers,
  { run, rank, policy, keys }: OwnPart,
): Promise<void> {
  const least = minMembersOf(policy);
  const count = members.length;
  if (count < least || count > MOST_SHARES) {
    throw new SecureError(
      "too-few-members",
      `Cannot join the session: expected ${least} to ${MOST_SHARES} members, got ${count}`,
    );
  }
  if (!Number.isInteger(threshold) || threshold <= count / 2 || threshold > count) {
    throw new SecureError(
      "threshold-out-of-range",
      `Cannot join the session: expected a threshold above half of ${count} members, got ${threshold}`,
    );
  }
  checkKeys(members);
  const own = members.find((member) => member.rank === rank);
  const isOwn = own !== undefined && own.serial === keys.serial &&
    equalBytes(own.maskKey, keys.maskKey) && equalBytes(own.sealKey, keys.sealKey);
  if (!isOwn) {
    throw new SecureError(
      "own-keys-altered",
      "Cannot join the session: expected this client's own keys among those of the members",
    );
  }
  if (policy.isListed === undefined) return;
  for (const member of members) await checkSignature(member, run, policy.isListed);
  checkOwners(members);
}

/** Checks that no holder of a key is several members: it could be all but one of them. */
function checkOwners(members: readonly Member[]): void {
  const owners = new Set<string>();
  for (const { rank, publicKey } of members) {
    const owner = publicKey?.toHex() ?? "";
    if (owners.has(owner)) throw repeated(rank);
    owners.add(owner);
  }
}

function checkKeys(members: readonly Member[]): void {
  const seen = new Set<string>(), ranks = new Set<number>();
  for (const { rank, maskKey, sealKey } of members) {
    for (const key of [maskKey, sealKey]) {
      const hex = key.toHex();
      if (key.length !== KEY_BYTES || isLowOrder(key)) throw lowOrder(rank);
      if (seen.has(hex)) throw repeated(rank);
      seen.add(hex);
    }
    if (ranks.has(rank)) throw repeated(rank);
    ranks.add(rank);
  }
}

async function checkSignature(
  member: Member,
  run: string,
  isListed: (publicKey: Uint8Array) => boolean,
): Promise<void> {
  const { rank, publicKey, signature } = member;
  if (publicKey === undefined || signature === undefined || !isListed(publicKey)) {
    throw new SecureError(
      "unlisted-key",
      `Cannot join the session: the key of rank ${rank} is not among those of the federation`,
      { ranks: [rank] },
    );
  }
  if (await verify(publicKey, signature, signedKeys(run, rank, member))) return;
  throw new SecureError(
    "bad-signature",
    `Cannot join the session: the keys of rank ${rank} are not signed by their owner`,
    { ranks: [rank] },
  );
}

/** Error of a key with which everybody agrees on the same secret. */
export function lowOrder(rank: number, cause?: unknown): SecureError {
  return new SecureError(
    "low-order-key",
    `Cannot use the keys of rank ${rank}: expected X25519 keys of 32 bytes, got a point of low order`,
    { ranks: [rank], cause },
  );
}

function repeated(rank: number): SecureError {
  return new SecureError(
    "repeated-key",
    `Cannot join the session: rank ${rank}, or a key of it, is there twice`,
    { ranks: [rank] },
  );
}
