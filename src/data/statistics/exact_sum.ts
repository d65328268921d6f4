/**
 * Sum of numbers with compensation of rounding errors (Neumaier 1974): its error does not grow with
 * the number of terms.
 */
export class ExactSum {
  #sum = 0;
  #lost = 0;

  /** Adds a number. */
  add(x: number): void {
    const sum = this.#sum + x;
    this.#lost += Math.abs(this.#sum) >= Math.abs(x) ? this.#sum - sum + x : x - sum + this.#sum;
    this.#sum = sum;
  }

  /** Sum so far. */
  get value(): number {
    return this.#sum + this.#lost;
  }
}

/** Sums numbers with compensation of rounding errors. */
export function exactSum(numbers: Iterable<number>): number {
  const sum = new ExactSum();
  for (const x of numbers) sum.add(x);
  return sum.value;
}
