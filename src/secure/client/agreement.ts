import { agree, type Bytes } from "../primitives.ts";
import { lowOrder } from "./policy.ts";

/**
 * Agrees on a secret with a member.
 *
 * @throws {SecureError} "low-order-key", naming the member, if WebCrypto does not take its key.
 */
export async function agreeWith(
  rank: number,
  privateKey: CryptoKey,
  publicKey: Bytes,
): Promise<CryptoKey> {
  try {
    return await agree(privateKey, publicKey);
  } catch (cause) {
    throw lowOrder(rank, cause);
  }
}
