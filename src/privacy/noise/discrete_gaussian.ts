/**
 * Exact samples of discrete Gaussian distributions.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import { drawBin, LOG_BINS } from "./bins.ts";
import { type NoiseSource, RandomBits } from "./random_words.ts";

/** Least and largest logarithm of the standard deviation to base 2. */
const LEAST_LOG = -1, MOST_LOG = 26;
const WORD_BITS = 32;
/** Number of values that noise is added to at once. */
const BLOCK = 4096;

/**
 * Sampler of the discrete Gaussian distribution whose standard deviation is a power of two: each
 * integer `x` has a probability in proportion to `exp(-x² / 2σ²)`.
 *
 * Only whole numbers are computed with, without rounding, so the distribution is the exact one,
 * which samples of floating-point numbers do not have: their gaps can give the noise away. Up to a
 * deviation of 32 it is drawn by Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for
 * Differential Privacy", algorithms 1 to 3. Above, a candidate is drawn from bins of a 64th of the
 * deviation, whose probabilities are rounded to 96 bits, and is kept by algorithm 1: all samples of
 * a long run together differ from the exact distribution by less than 2^-48.
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
  readonly #source: NoiseSource;
  readonly #bits: RandomBits;
  /** Width of a bin. */
  readonly #width: number;
  /** Value of the last of the first bits by which a candidate of a bin is kept. */
  readonly #unit: number;
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
    this.#source = source;
    this.#bits = new RandomBits(source);
    this.#scaleBits = Math.max(0, logDeviation);
    this.#scale = 2 ** this.#scaleBits;
    const isHalf = logDeviation < 0;
    this.#factor = isHalf ? 4 : 1;
    this.#offset = isHalf ? 1 : this.#scale;
    this.#shift = isHalf ? 3 : 2 * logDeviation + 1;
    const log = Math.max(0, logDeviation - LOG_BINS);
    this.#width = 2 ** log;
    this.#unit = 2 ** (this.#shift - (WORD_BITS - 1 - log));
  }

  /** Draws a sample. */
  sample(): number {
    const bits = this.#bits;
    return this.logDeviation < LOG_BINS ? this.#small() : this.#binned(bits.word(), bits.word());
  }

  /** Adds a sample to each value. */
  addTo(values: Float64Array): void {
    if (this.logDeviation < LOG_BINS) {
      for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + this.sample();
      return;
    }
    const words = new Uint32Array(2 * Math.min(BLOCK, values.length));
    for (let from = 0; from < values.length; from += BLOCK) {
      const block = values.subarray(from, from + BLOCK), used = words.subarray(0, 2 * block.length);
      this.#source.fill(used);
      for (let i = 0; i < block.length; i++) {
        block[i] = (block[i] ?? 0) + this.#binned(used[2 * i] ?? 0, used[2 * i + 1] ?? 0);
      }
    }
    // Used bits do not stay in memory.
    words.fill(0);
  }

  /** A candidate of the discrete Laplace distribution that is kept. */
  #small(): number {
    for (;;) {
      const candidate = this.#laplace();
      const root = Math.abs(this.#factor * Math.abs(candidate) - this.#offset);
      if (this.#keeps(root)) return candidate;
    }
  }

  /**
   * A candidate `y = h · width + low` of bin `h` that is kept with the probability
   * `exp(-(y² - (h · width)²) / 2σ²)`.
   *
   * @param first First word of the bin.
   * @param word Sign, place in the bin, and the first bits of the number that decides.
   */
  #binned(first: number, word: number): number {
    const bits = this.#bits, log = this.logDeviation - LOG_BINS, shift = this.#shift;
    const width = this.#width, unit = this.#unit;
    for (;;) {
      const start = drawBin(first, bits) * width, low = (word >>> 1) & (width - 1);
      const loss = (2 * start + low) * low, decides = word >>> (log + 1);
      // Nearly always the first trial of `#expFraction` is no hit.
      const isKept = decides * unit > loss || !this.#hits(decides, loss) ||
        this.#expFraction(loss, shift, 2);
      const size = start + low;
      if (isKept && (word & 1) === 0) return size;
      if (isKept && size > 0) return -size;
      first = bits.word();
      word = bits.word();
    }
  }

  /** Is true with the probability `loss / 2^shift`, whose first bits were drawn. */
  #hits(decides: number, loss: number): boolean {
    const unit = this.#unit, limit = Math.floor(loss / unit);
    if (decides !== limit) return decides < limit;
    return this.#fraction(loss - limit * unit, Math.log2(unit));
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
    const shift = this.#shift, square = root * root, unit = 2 ** shift;
    let whole = Math.floor(square / unit);
    const rest = square - whole * unit;
    while (whole-- > 0) if (!this.#expOne()) return false;
    return rest === 0 || this.#expFraction(rest, shift);
  }

  /**
   * Is true with the probability `exp(-numerator / 2^bits)`, for an exponent above -1.
   *
   * @param from Trial to go on with, after hits of the earlier ones.
   */
  #expFraction(numerator: number, bits: number, from = 1): boolean {
    for (let j = from;; j++) {
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
