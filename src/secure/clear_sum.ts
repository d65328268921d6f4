import { addRing, type RingVector } from "./quantize.ts";

/**
 * Sum of quantized updates in the clear: the arithmetic of secure aggregation without its masks,
 * for simulations and tests. The sum is the same, bit for bit.
 */
export class ClearSum {
  readonly #sums: RingVector;

  /** Creates a sum of vectors of a length, with their lanes. */
  constructor(length: number) {
    this.#sums = new Uint32Array(length);
  }

  /**
   * Adds a quantized update.
   *
   * @throws {RangeError} If its length differs.
   */
  add(quantized: RingVector): void {
    if (quantized.length !== this.#sums.length) {
      throw new RangeError(
        `Cannot add the update: expected ${this.#sums.length} integers, got ${quantized.length}`,
      );
    }
    addRing(this.#sums, quantized);
  }

  /** Returns the sum so far, a view. */
  finish(): RingVector {
    return this.#sums;
  }
}
