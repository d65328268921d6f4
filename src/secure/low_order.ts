import type { Bytes } from "./primitives.ts";

/** Keys of low order, without the highest bit, which X25519 ignores. */
const LOW_ORDER: ReadonlySet<string> = new Set([
  // 0, 1, the two points of order 8, and -1, 0 and 1 again as p - 1, p and p + 1.
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/**
 * Reports whether a public key of X25519 is a point of low order, with which everybody agrees on
 * the secret 0 (RFC 7748, section 6.1). No agreement is needed to find out: there are only these.
 *
 * @param key 32 bytes.
 */
export function isLowOrder(key: Bytes): boolean {
  const point = key.slice();
  point[31] = (point[31] ?? 0) & 0x7f;
  return LOW_ORDER.has(point.toHex());
}
