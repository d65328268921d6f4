import { checkInRange } from "../base/check.ts";

/** Range of the weights of exact sums. */
export const WEIGHTS = { least: 2 ** -30, most: 2 ** 38 } as const;

/** 2^s + 1, where s = 24 is the number of bits of float64 that a weight does not use. */
const SPLITTER = 2 ** 24 + 1;

/**
 * Rounds a weight to 29 significant bits, to the nearest. Its product with a float32 value is exact
 * in float64. Whole numbers up to 2^29 stay as they are.
 *
 * Dekker 1971, "A Floating-Point Technique for Extending the Available Precision", section 5.
 *
 * @throws {RangeError} If it is not from 2^-30 to 2^38.
 *
 * @example
 * ```ts
 * import { exactWeight } from "@fedlab/core/params";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(exactWeight(600), 600);
 * assertEquals(exactWeight(1 / 3), 357913941 / 2 ** 30);
 * ```
 */
export function exactWeight(weight: number): number {
  checkInRange(weight, WEIGHTS, "Cannot add to an exact sum", "a weight from 2^-30 to 2^38");
  const scaled = weight * SPLITTER;
  return scaled - (scaled - weight);
}
