import { SecureError } from "../errors.ts";
import { lowOrder } from "../client/policy.ts";
import type { Member, SecureKeys } from "../messages.ts";
import { isLowOrder } from "../low_order.ts";
import { KEY_BYTES, SIGNATURE_BYTES } from "../primitives.ts";

/** Clients that have sent keys for an attempt. */
export class Members {
  readonly #members = new Map<number, Member>();
  /** Keys of all members, in hex. */
  readonly #taken = new Set<string>();

  /** Ranks, in the order in which their keys came. */
  get ranks(): number[] {
    return [...this.#members.keys()];
  }

  /** Number of members. */
  get size(): number {
    return this.#members.size;
  }

  /**
   * Adds the keys of a client; the same ones again change nothing.
   *
   * @param publicKey Ed25519 key of the client, as it has proved it.
   * @throws {SecureError} If the keys are malformed, of low order, or those of another client.
   */
  add(rank: number, keys: SecureKeys, publicKey?: Member["publicKey"]): void {
    const { maskKey, sealKey, signature } = keys;
    const isMalformed = maskKey.length !== KEY_BYTES || sealKey.length !== KEY_BYTES ||
      (signature !== undefined && signature.length !== SIGNATURE_BYTES);
    if (isMalformed) {
      throw new SecureError("malformed", `Cannot use the keys of rank ${rank}: wrong lengths`);
    }
    if (isLowOrder(maskKey) || isLowOrder(sealKey)) throw lowOrder(rank);
    const [mask, seal] = [maskKey.toHex(), sealKey.toHex()];
    const before = this.#members.get(rank);
    if (before?.maskKey.toHex() === mask && before.sealKey.toHex() === seal) return;
    const isTaken = mask === seal || before !== undefined || this.#taken.has(mask) ||
      this.#taken.has(seal);
    if (isTaken) {
      throw new SecureError(
        "repeated-key",
        `Cannot use the keys of rank ${rank}: it has sent others, or another member has one of them`,
        { ranks: [rank] },
      );
    }
    this.#taken.add(mask).add(seal);
    this.#members.set(rank, { rank, ...keys, ...(publicKey && { publicKey }) });
  }

  /**
   * Returns a member.
   *
   * @throws {SecureError} "unknown-member".
   */
  get(rank: number): Member {
    const member = this.#members.get(rank);
    if (member !== undefined) return member;
    throw new SecureError("unknown-member", `Cannot find rank ${rank} among the members`, {
      ranks: [rank],
    });
  }
}
