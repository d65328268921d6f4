/** Number of values for which there is room at first. */
const FIRST_VALUES = 16;

/** Values with their weights: 16 bytes each, since there may be one for each of many clients. */
export class WeightedValues {
  /** Each value, followed by its weight. */
  #pairs = new Float64Array(2 * FIRST_VALUES);
  #count = 0;

  /** Number of values. */
  get count(): number {
    return this.#count;
  }

  /** The values, in the order in which they were added. */
  get values(): Float64Array {
    return Float64Array.from({ length: this.#count }, (_, i) => this.#pairs[2 * i] ?? NaN);
  }

  /** Those of the values that are finite. */
  get finite(): WeightedValues {
    const finite = new WeightedValues();
    for (let i = 0; i < 2 * this.#count; i += 2) {
      const value = this.#pairs[i] ?? NaN;
      if (Number.isFinite(value)) finite.add(value, this.#pairs[i + 1] ?? NaN);
    }
    return finite;
  }

  /**
   * Mean of the values by their weights, summed in their order; NaN when the weights add up to 0.
   * Finite values have a finite mean, however large values and weights are.
   */
  get mean(): number {
    const pairs = this.#pairs, end = 2 * this.#count;
    let total = 0, sum = 0;
    for (let i = 0; i < end; i += 2) {
      const value = pairs[i] ?? NaN, weight = pairs[i + 1] ?? NaN;
      total += weight;
      sum += value * weight;
    }
    const mean = sum / total;
    if (Number.isFinite(mean) || !(total > 0) || this.finite.count < this.#count) return mean;
    // The products have overflowed; shares of the weights are at most 1.
    let shared = 0;
    for (let i = 0; i < end; i += 2) {
      shared += (pairs[i] ?? NaN) * ((pairs[i + 1] ?? NaN) / total);
    }
    return shared;
  }

  /** Adds a value. */
  add(value: number, weight: number): void {
    if (2 * this.#count === this.#pairs.length) {
      const more = new Float64Array(2 * this.#pairs.length);
      more.set(this.#pairs);
      this.#pairs = more;
    }
    this.#pairs[2 * this.#count] = value;
    this.#pairs[2 * this.#count++ + 1] = weight;
  }
}
