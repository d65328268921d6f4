import { ZERO } from "./characters.ts";

/** Digits of the first part of a number, which float64 always holds. */
const FIRST_DIGITS = 15;
/** Digits of both parts: the second, times its power of ten, leaves no rounding error unseen. */
const MOST_DIGITS = 19;
/** Factor that divides a number into two of 26 bits each (Dekker). */
const SPLITTER = 2 ** 27 + 1;
/** Bound of the relative error of the correction, with room to spare. */
const DOUBT = 2 ** -48;

/**
 * Gives the number of the digits from `start` to `end`, among which may be a decimal separator,
 * divided by `power`: a power of ten up to 10^22. `NaN` if there are more than 19 digits or the
 * nearest float64 is in doubt, which is rare.
 *
 * The quotient and its remainder are computed with twice the precision: T. J. Dekker, "A
 * Floating-Point Technique for Extending the Available Precision", Numerische Mathematik 18, 1971.
 */
export function longNumber(bytes: Uint8Array, start: number, end: number, power: number): number {
  let first = 0, second = 0, scale = 1, digits = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) continue;
    if (digits < FIRST_DIGITS) {
      first = 10 * first + digit;
      // Zeros at the beginning do not count.
      if (first > 0) digits++;
    } else {
      if (digits++ === MOST_DIGITS) return NaN;
      second = 10 * second + digit;
      scale *= 10;
    }
  }
  const product = first * scale;
  const whole = product + second;
  const rest = productError(first, scale, product) + sumError(product, second, whole);
  if (power === 1) return whole + rest;
  const quotient = whole / power;
  const back = quotient * power;
  const correction = (whole - back - productError(quotient, power, back) + rest) / power;
  const value = quotient + correction;
  const isSure = quotient + correction * (1 + DOUBT) === value &&
    quotient + correction * (1 - DOUBT) === value;
  return isSure ? value : NaN;
}

/** Gives the rounding error of a product of two numbers. */
function productError(a: number, b: number, product: number): number {
  const bigA = SPLITTER * a, highA = bigA - (bigA - a), lowA = a - highA;
  const bigB = SPLITTER * b, highB = bigB - (bigB - b), lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}

/** Gives the rounding error of a sum of two numbers, of which the first is not the smaller. */
function sumError(a: number, b: number, sum: number): number {
  return b - (sum - a);
}
