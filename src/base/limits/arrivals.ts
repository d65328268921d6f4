/** Position in the order of arrival. */
export interface Arrival<Value> {
  readonly value: Value;
  before: Arrival<Value> | undefined;
  after: Arrival<Value> | undefined;
  isIn: boolean;
}

/**
 * Values in order of arrival, each of which can be removed at any time.
 *
 * A `Set` does the same, but not for thousands of values that come and go: V8 links each table that
 * a set has outgrown to the next one, and an old table keeps all values that were ever in the set
 * until the whole heap is collected. A removed value here has no links.
 */
export class Arrivals<Value> {
  #first: Arrival<Value> | undefined;
  #last: Arrival<Value> | undefined;
  #size = 0;

  /** Number of values. */
  get size(): number {
    return this.#size;
  }

  /** Value that was added first. */
  get first(): Value | undefined {
    return this.#first?.value;
  }

  /** Adds a value at the end. */
  add(value: Value): Arrival<Value> {
    const arrival = { value, before: this.#last, after: undefined, isIn: true };
    if (this.#last === undefined) this.#first = arrival;
    else this.#last.after = arrival;
    this.#last = arrival;
    this.#size++;
    return arrival;
  }

  /** Removes a value; returns false if it was removed before. */
  delete(arrival: Arrival<Value>): boolean {
    if (!arrival.isIn) return false;
    const { before, after } = arrival;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    arrival.before = arrival.after = undefined;
    arrival.isIn = false;
    this.#size--;
    return true;
  }

  /** Removes and returns the value that was added first. */
  shift(): Value | undefined {
    const first = this.#first;
    if (first !== undefined) this.delete(first);
    return first?.value;
  }
}
