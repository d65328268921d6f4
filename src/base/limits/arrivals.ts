/** A place in the order of arrival. */
export interface Arrival<Value> {
  readonly value: Value;
  before: Arrival<Value> | undefined;
  after: Arrival<Value> | undefined;
  isIn: boolean;
}

/**
 * Values in order of arrival, each of which may leave at any time.
 *
 * A `Set` does the same, but not for thousands of values that come and go: V8 lets each table that a set has outgrown point at the next one, and a dead table
 * that is old enough keeps, table by table, all that were ever in the set until the whole heap is collected. What has left here points at nothing.
 */
export class Arrivals<Value> {
  #first: Arrival<Value> | undefined;
  #last: Arrival<Value> | undefined;
  #size = 0;

  /** Number of values. */
  get size(): number {
    return this.#size;
  }

  /** The value that has been there for longest. */
  get first(): Value | undefined {
    return this.#first?.value;
  }

  /** Takes a value in, as the last one. */
  add(value: Value): Arrival<Value> {
    const arrival = { value, before: this.#last, after: undefined, isIn: true };
    if (this.#last === undefined) this.#first = arrival;
    else this.#last.after = arrival;
    this.#last = arrival;
    this.#size++;
    return arrival;
  }

  /** Takes a value out; false when it has left already. */
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

  /** Takes out the value that has been there for longest. */
  shift(): Value | undefined {
    const first = this.#first;
    if (first !== undefined) this.delete(first);
    return first?.value;
  }
}
