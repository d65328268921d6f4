import type { ParameterVector } from "./manifest.ts";

/** Places of a vector, in order, that do not overlap. */
type Places = readonly (readonly [from: number, to: number])[];

/** Part of a vector: all places but some. */
export class VectorPart {
  /** Number of values of the part. */
  readonly length: number;
  /** Number of values of the whole vector. */
  readonly wholeLength: number;
  /** Places that are not in the part, in order. */
  readonly others: Places;
  readonly #places: Places;

  /**
   * Makes the part of a vector of that length without those places, which are in order and do not
   * overlap.
   */
  constructor(wholeLength: number, others: Places) {
    this.wholeLength = wholeLength;
    this.others = others;
    const ends = [0, ...others.map(([, to]) => to)];
    this.#places = [...others.map(([from]) => from), wholeLength]
      .map((to, i) => [ends[i] ?? 0, to] as const)
      .filter(([from, to]) => from < to);
    this.length = sum(this.#places);
  }

  /** Returns a copy of the values of the part. */
  take(whole: ParameterVector): ParameterVector {
    return gather(whole, this.#places, this.length);
  }

  /** Returns a copy of the values that are not in the part. */
  takeOthers(whole: ParameterVector): ParameterVector {
    return gather(whole, this.others, this.wholeLength - this.length);
  }

  /**
   * Puts the values of the part into their places.
   *
   * @param into The whole vector. The part may lie at its beginning.
   */
  put(part: ParameterVector, into: ParameterVector): void {
    let end = part.length;
    // A value moves to a later place or stays, so the last ones move first.
    for (const [from, to] of this.#places.toReversed()) {
      const start = end - (to - from);
      into.set(part.subarray(start, end), from);
      end = start;
    }
  }

  /** Puts the values that are not in the part into their places of a whole vector. */
  putOthers(others: ParameterVector, into: ParameterVector): void {
    let start = 0;
    for (const [from, to] of this.others) {
      into.set(others.subarray(start, start += to - from), from);
    }
  }

  /** Returns true if the values of a whole vector outside of the part are those, bit for bit. */
  hasOthers(whole: ParameterVector, others: ParameterVector): boolean {
    let i = 0;
    for (const [from, to] of this.others) {
      for (let at = from; at < to; at++) if (!Object.is(whole[at], others[i++])) return false;
    }
    return true;
  }
}

function gather(whole: ParameterVector, places: Places, length: number): ParameterVector {
  const part = new Float32Array(length);
  let at = 0;
  for (const [from, to] of places) {
    part.set(whole.subarray(from, to), at);
    at += to - from;
  }
  return part;
}

function sum(places: Places): number {
  return places.reduce((length, [from, to]) => length + to - from, 0);
}
