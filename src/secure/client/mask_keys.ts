import type { MaskKeys } from "../masks.ts";
import type { Member } from "../messages.ts";
import { type Bytes, derive, keyMaterial } from "../primitives.ts";
import { pairInfo, selfInfo } from "../salt.ts";
import { agreeWith } from "./agreement.ts";

/** Member as the others know it that mask with it. */
export type MaskMember = Pick<Member, "rank" | "maskKey">;

/** Member that shares a mask with another one, and the secret of which its key is made. */
export interface MaskPartner extends MaskMember {
  readonly secret: CryptoKey;
}

/**
 * Agrees on the secrets of the masks that a member shares with others.
 *
 * @param privateKey Private key of the member's masks.
 * @throws {SecureError} "low-order-key".
 */
export async function agreeOnMasks(
  privateKey: CryptoKey,
  others: readonly MaskMember[],
): Promise<MaskPartner[]> {
  return await Promise.all(others.map(async ({ rank, maskKey }) => {
    return { rank, maskKey, secret: await agreeWith(rank, privateKey, maskKey) };
  }));
}

/**
 * Derives the keys of the masks that a member shares with others: the one of lower rank adds the
 * mask, the other one subtracts it.
 */
export async function pairMaskKeys(
  owner: MaskMember,
  partners: readonly MaskPartner[],
  salt: Bytes,
): Promise<MaskKeys> {
  const keysOf = (some: readonly MaskPartner[]) => {
    return Promise.all(some.map((partner) => {
      const [lower, higher] = owner.rank < partner.rank ? [owner, partner] : [partner, owner];
      return derive(partner.secret, salt, pairInfo(lower, higher));
    }));
  };
  const [add, subtract] = await Promise.all([
    keysOf(partners.filter(({ rank }) => owner.rank < rank)),
    keysOf(partners.filter(({ rank }) => owner.rank >= rank)),
  ]);
  return { add, subtract };
}

/** Derives the key of a member's own mask, which it adds. */
export async function selfMaskKey(rank: number, seed: Bytes, salt: Bytes): Promise<Bytes> {
  return await derive(await keyMaterial(seed), salt, selfInfo(rank));
}
