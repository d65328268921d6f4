import { longNumber } from "./long_number.ts";
import { LARGE_E, MINUS, PLUS, SMALL_E, ZERO } from "./characters.ts";

/** Digits of which any number is exact in float64. */
const EXACT_DIGITS = 15;
/** Powers of ten that are exact in float64. */
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * Parser of numbers in bytes. Up to 15 digits times or divided by a power of ten up to 10^22 give
 * the nearest number by one operation (Clinger 1990, "How to read floating point numbers
 * accurately", section 4), up to 19 digits by {@linkcode longNumber}. All others are left to the
 * caller.
 */
export class NumberField {
  readonly #decimal: number;
  /** Number that was read, `NaN` if there is none that is exact. */
  value = NaN;

  /** Makes a parser for numbers with a decimal separator. */
  constructor(decimal: number) {
    this.#decimal = decimal;
  }

  /** Reads the number at `start`, and gives the place after it. */
  read(bytes: Uint8Array, start: number): number {
    let i = start;
    let byte = bytes[i] as number;
    const isNegative = byte === MINUS;
    if (isNegative || byte === PLUS) byte = bytes[++i] as number;
    let mantissa = 0, places = 0;
    const first = i;
    for (let digit; (digit = byte - ZERO) >= 0 && digit <= 9; byte = bytes[++i] as number) {
      mantissa = 10 * mantissa + digit;
    }
    let digits = i - first;
    if (byte === this.#decimal) {
      byte = bytes[++i] as number;
      const fraction = i;
      for (let digit; (digit = byte - ZERO) >= 0 && digit <= 9; byte = bytes[++i] as number) {
        mantissa = 10 * mantissa + digit;
      }
      places = i - fraction;
      digits += places;
    }
    this.value = NaN;
    const end = i;
    if (digits === 0) return i;
    if (byte === SMALL_E || byte === LARGE_E) {
      byte = bytes[++i] as number;
      const isSmall = byte === MINUS;
      if (isSmall || byte === PLUS) byte = bytes[++i] as number;
      let exponent = 0;
      const start = i;
      for (let digit; (digit = byte - ZERO) >= 0 && digit <= 9; byte = bytes[++i] as number) {
        exponent = 10 * exponent + digit;
      }
      if (i === start) return i;
      places += isSmall ? exponent : -exponent;
    }
    if (places > 22 || places < -22) return i;
    if (digits > EXACT_DIGITS) {
      if (places < 0) return i;
      const size = longNumber(bytes, first, end, POWERS[places] as number);
      this.value = isNegative ? -size : size;
      return i;
    }
    const size = places >= 0
      ? mantissa / (POWERS[places] as number)
      : mantissa * (POWERS[-places] as number);
    this.value = isNegative ? -size : size;
    return i;
  }
}
