/**
 * Shamir's secret sharing over GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1, byte by byte
 * (Shamir 1979, "How to Share a Secret").
 *
 * A share has the bytes of the secret's length, and then its point x.
 *
 * @module
 */

import { randomBytes } from "./primitives.ts";
import type { Bytes } from "./primitives.ts";

/** Most shares of a secret: the points other than 0. */
export const MOST_SHARES = 255;

/** Powers of the generator 3, twice over, and their exponents. */
const POWERS = new Uint8Array(2 * MOST_SHARES);
const EXPONENTS = new Uint8Array(MOST_SHARES + 1);
for (let i = 0, power = 1; i < MOST_SHARES; i++) {
  POWERS[i] = POWERS[i + MOST_SHARES] = power;
  EXPONENTS[power] = i;
  power ^= (power << 1) ^ (power & 0x80 ? 0x11B : 0);
}

function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : POWERS[(EXPONENTS[a] ?? 0) + (EXPONENTS[b] ?? 0)] ?? 0;
}

function divide(a: number, b: number): number {
  const exponent = MOST_SHARES + (EXPONENTS[a] ?? 0) - (EXPONENTS[b] ?? 0);
  return a === 0 ? 0 : POWERS[exponent] ?? 0;
}

/**
 * Cuts a secret into shares: any `threshold` of them give it back, and fewer say nothing of it.
 * Share `i` has the point `i + 1`.
 *
 * @param draw Source of the coefficients.
 * @default {randomBytes}
 * @throws {RangeError} If there are more than 255 shares, or the threshold is below 1 or above
 * their number.
 */
export function splitSecret(
  secret: Uint8Array,
  { shares, threshold }: { readonly shares: number; readonly threshold: number },
  draw: (length: number) => Uint8Array = randomBytes,
): Bytes[] {
  if (!(shares <= MOST_SHARES && threshold >= 1 && threshold <= shares)) {
    throw new RangeError(
      `Cannot share the secret: expected a threshold from 1 to the shares, of which there are at most ${MOST_SHARES}, got ${threshold} of ${shares}`,
    );
  }
  const { length } = secret;
  const coefficients = [secret, ...Array.from({ length: threshold - 1 }, () => draw(length))];
  return Array.from({ length: shares }, (_, i) => {
    const x = i + 1;
    const share = new Uint8Array(length + 1);
    // Horner's rule, from the highest power on.
    for (const coefficient of coefficients.toReversed()) {
      for (let j = 0; j < length; j++) {
        share[j] = multiply(share[j] ?? 0, x) ^ (coefficient[j] ?? 0);
      }
    }
    share[length] = x;
    return share;
  });
}

/**
 * Combines as many shares as the threshold to their secret. A share that is wrong gives another
 * secret.
 *
 * @throws {RangeError} If shares differ in length, have the same point, or there are none.
 */
export function combineShares(shares: readonly Uint8Array[]): Bytes {
  const length = (shares[0]?.length ?? 0) - 1;
  const points = shares.map((share) => share.at(-1) ?? 0);
  const isBad = length < 1 || shares.some((share) => share.length !== length + 1) ||
    points.includes(0) || new Set(points).size < points.length;
  if (isBad) {
    throw new RangeError("Cannot combine the shares: expected shares of one length and points");
  }
  const secret = new Uint8Array(length);
  shares.forEach((share, i) => {
    // The polynomial of Lagrange that is 1 at this point and 0 at the others, taken at 0.
    const weight = points.reduce(
      (weight, x, j) => j === i ? weight : multiply(weight, divide(x, x ^ (points[i] ?? 0))),
      1,
    );
    for (let j = 0; j < length; j++) {
      secret[j] = (secret[j] ?? 0) ^ multiply(weight, share[j] ?? 0);
    }
  });
  return secret;
}
