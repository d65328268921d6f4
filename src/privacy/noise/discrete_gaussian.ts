/**
 * Exact samples of discrete Gaussian distributions.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import { type NoiseSource, RandomBits } from "./random_words.ts";

/** Least and largest logarithm of the standard deviation to base 2. */
const LEAST_LOG = -1, MOST_LOG = 26;
const WORD_BITS = 32;
/** A square of a smaller number is exact in a float64. */
const EXACT_ROOT = 2 ** 26;
/** Bits of the lower half of a number below 2^32 that is squared in parts. */
const HALF_BITS = 13;

/**
 * Sampler of the discrete Gaussian distribution whose standard deviation is a power of two: each
 * integer `x` has a probability in proportion to `exp(-x² / 2σ²)`.
 *
 * Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for Differential Privacy", algorithms 1
 * to 3. Only whole numbers are computed with, without rounding, so the distribution is the exact
 * one, which samples of floating-point numbers do not have: their gaps can give the noise away.
 *
 * @example
 * ```ts
 * import { DiscreteGaussian, systemNoise } from "@fedlab/core/privacy";
 * import { assert } from "@std/assert";
 *
 * const noise = new DiscreteGaussian(16, systemNoise());
 * assert(Number.isInteger(noise.sample()));
 * ```
 */
export class DiscreteGaussian {
  /** Logarithm of the standard deviation to base 2. */
  readonly logDeviation: number;
  readonly #bits: RandomBits;
  /** Scale of the discrete Laplace distribution that candidates are drawn from. */
  readonly #scale: number;
  readonly #scaleBits: number;
  /** A candidate `y` is kept with the probability `exp(-(factor · y - offset)² / 2^shift)`. */
  readonly #factor: number;
  readonly #offset: number;
  readonly #shift: number;

  /**
   * Makes a sampler.
   *
   * @param logDeviation Logarithm of the standard deviation to base 2, from -1 to 26.
   * @throws {RangeError} If the deviation is not such a power of two.
   */
  constructor(logDeviation: number, source: NoiseSource) {
    const range = { whole: true, least: LEAST_LOG, most: MOST_LOG };
    checkInRange(logDeviation, range, "Cannot sample noise", "a whole logarithm from -1 to 26");
    this.logDeviation = logDeviation;
    this.#bits = new RandomBits(source);
    this.#scaleBits = Math.max(0, logDeviation);
    this.#scale = 2 ** this.#scaleBits;
    const isHalf = logDeviation < 0;
    this.#factor = isHalf ? 4 : 1;
    this.#offset = isHalf ? 1 : this.#scale;
    this.#shift = isHalf ? 3 : 2 * logDeviation + 1;
  }

  /** Draws a sample. */
  sample(): number {
    for (;;) {
      const candidate = this.#laplace();
      const root = Math.abs(this.#factor * Math.abs(candidate) - this.#offset);
      if (this.#keeps(root)) return candidate;
    }
  }

  /** Adds a sample to each value. */
  addTo(values: Float64Array): void {
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + this.sample();
  }

  /** Discrete Laplace distribution: an integer `x` with a probability as `exp(-|x| / scale)`. */
  #laplace(): number {
    const bits = this.#bits, scaleBits = this.#scaleBits;
    for (;;) {
      const low = scaleBits === 0 ? 0 : bits.word() >>> (WORD_BITS - scaleBits);
      if (low > 0 && !this.#expFraction(low, scaleBits)) continue;
      let high = 0;
      while (this.#expOne()) high++;
      const size = low + this.#scale * high;
      if (bits.word() < 2 ** 31) return size;
      if (size > 0) return -size;
    }
  }

  /** Is true with the probability `exp(-root² / 2^shift)`. */
  #keeps(root: number): boolean {
    const shift = this.#shift;
    let whole: number, rest: number;
    if (root < EXACT_ROOT) {
      const square = root * root, unit = 2 ** shift;
      whole = Math.floor(square / unit);
      rest = square - whole * unit;
    } else if (shift === 2 * MOST_LOG + 1 && root < 2 ** WORD_BITS) {
      [whole, rest] = squareInParts(root);
    } else {
      const square = BigInt(root) ** 2n;
      whole = Number(square >> BigInt(shift));
      rest = Number(BigInt.asUintN(shift, square));
    }
    while (whole-- > 0) if (!this.#expOne()) return false;
    return rest === 0 || this.#expFraction(rest, shift);
  }

  /** Is true with the probability `exp(-numerator / 2^bits)`, for an exponent above -1. */
  #expFraction(numerator: number, bits: number): boolean {
    for (let j = 1;; j++) {
      if (!this.#fraction(numerator, bits) || !this.#bits.oneOf(j)) return j % 2 === 1;
    }
  }

  /** Is true with the probability `exp(-1)`. */
  #expOne(): boolean {
    for (let j = 2;; j++) if (!this.#bits.oneOf(j)) return j % 2 === 1;
  }

  /** Is true with the probability `numerator / 2^bits`, below 1. */
  #fraction(numerator: number, bits: number): boolean {
    const word = this.#bits.word();
    if (bits <= WORD_BITS) return word >>> (WORD_BITS - bits) < numerator;
    const unit = 2 ** (bits - WORD_BITS);
    const high = Math.floor(numerator / unit);
    if (word !== high) return word < high;
    return this.#fraction(numerator - high * unit, bits - WORD_BITS);
  }
}

/** Divides the square of a number below 2^32 by 2^53: the quotient and the rest, both exact. */
function squareInParts(root: number): [number, number] {
  const unit = 2 ** HALF_BITS, most = 2 ** (2 * MOST_LOG + 1);
  const high = Math.floor(root / unit), low = root - high * unit;
  const top = high * high, step = 2 ** (2 * MOST_LOG + 1 - 2 * HALF_BITS);
  const whole = Math.floor(top / step);
  const upper = (top - whole * step) * unit * unit;
  const lower = 2 * high * low * unit + low * low;
  const room = most - lower;
  return upper >= room ? [whole + 1, upper - room] : [whole, upper + lower];
}
