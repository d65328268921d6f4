/**
 * Checks of numbers.
 *
 * @module
 */

/** Range of a number, which is finite in any case. */
export interface Range {
  /** True if it is a whole number, at most 2^53 - 1. */
  readonly whole?: boolean;
  /** Bound that it is greater than. */
  readonly above?: number;
  /** Least value. */
  readonly least?: number;
  /** Bound that it is less than. */
  readonly below?: number;
  /** Greatest value. */
  readonly most?: number;
}

/** Range of a number of things of which there is at least one. */
export const AT_LEAST_ONE: Range = { whole: true, least: 1 };

/** Range of a share, such as that of a cohort: more than none, and at most all. */
export const SHARE: Range = { above: 0, most: 1 };

/** Returns true if a value is a number in the range. */
export function isInRange(value: unknown, range: Range): value is number {
  const { whole = false, above = -Infinity, least = -Infinity } = range;
  const { below = Infinity, most = Infinity } = range;
  return typeof value === "number" &&
    (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    value > above && value >= least && value < below && value <= most;
}

/**
 * Returns the value if it is in the range.
 *
 * @param problem Beginning of the error's message, such as `"Cannot use the seed"`.
 * @param expected Description of the range. Default: {@linkcode describeRange}.
 * @throws {RangeError} If it is not in the range: `problem: expected …, got value`.
 */
export function checkInRange(
  value: number,
  range: Range,
  problem: string,
  expected: string = describeRange(range),
): number {
  if (isInRange(value, range)) return value;
  throw new RangeError(`${problem}: expected ${expected}, got ${value}`);
}

/** Describes a range: `"a whole number from 1 and below 10"`. */
export function describeRange({ whole = false, above, least, below, most }: Range): string {
  const bounds = [
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(least === undefined ? [] : [`from ${least}`]),
    ...(below === undefined ? [] : [`below ${below}`]),
    ...(most === undefined ? [] : [`at most ${most}`]),
  ];
  return [whole ? "a whole number" : "a number", bounds.join(" and ")].join(" ").trim();
}

/** Returns true if a value is a whole number from 0. */
export function isCount(value: unknown): value is number {
  return isInRange(value, { whole: true, least: 0 });
}

/**
 * Returns the seed of a generator of random numbers.
 *
 * @throws {RangeError} If it is not an integer from 0 to 2^32 - 1.
 */
export function checkSeed(seed: number): number {
  const range = { whole: true, least: 0, most: 0xFFFF_FFFF };
  return checkInRange(seed, range, "Cannot use the seed", "an integer from 0 to 4294967295");
}
