import type { MaskKeys } from "../masks.ts";
import type { Member } from "../messages.ts";
import { agree, type Bytes, derive, keyMaterial } from "../primitives.ts";
import { pairInfo, selfInfo } from "../salt.ts";
import { lowOrder } from "./policy.ts";

/** Member whose masks are made: its rank, and its key pair. */
export interface MaskOwner {
  readonly rank: number;
  readonly maskKey: Bytes;
  readonly privateKey: CryptoKey;
}

/**
 * Derives the keys of the masks that a member shares with others: the one of lower rank adds the
 * mask, the other one subtracts it.
 *
 * @throws {SecureError} "low-order-key".
 */
export async function pairMaskKeys(
  { rank, maskKey, privateKey }: MaskOwner,
  others: readonly Pick<Member, "rank" | "maskKey">[],
  salt: Bytes,
): Promise<MaskKeys> {
  const own = { rank, maskKey };
  const keys = await Promise.all(others.map(async (other) => {
    let secret: CryptoKey;
    try {
      secret = await agree(privateKey, other.maskKey);
    } catch (cause) {
      throw lowOrder(other.rank, cause);
    }
    const isLower = rank < other.rank;
    const info = isLower ? pairInfo(own, other) : pairInfo(other, own);
    return { isLower, key: await derive(secret, salt, info) };
  }));
  return {
    add: keys.filter(({ isLower }) => isLower).map(({ key }) => key),
    subtract: keys.filter(({ isLower }) => !isLower).map(({ key }) => key),
  };
}

/** Derives the key of a member's own mask, which it adds. */
export async function selfMaskKey(rank: number, seed: Bytes, salt: Bytes): Promise<Bytes> {
  return await derive(await keyMaterial(seed), salt, selfInfo(rank));
}
