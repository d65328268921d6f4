import type { Rank } from "./rank.ts";

/** Ranks from `first` to `last`. */
interface Range {
  first: Rank;
  last: Rank;
}

/**
 * Set of ranks in order, kept as ranges: its cost depends on the number of gaps, not on that of the
 * ranks.
 */
export class RankRanges implements Iterable<Rank> {
  /** Ranges in order, with gaps between them. */
  readonly #ranges: Range[] = [];
  #size = 0;

  /** Creates the set of the ranks from `first` to `last`; by default an empty one. */
  constructor(first: Rank = 1, last: Rank = 0) {
    if (last < first) return;
    this.#ranges.push({ first, last });
    this.#size = last - first + 1;
  }

  /** Number of ranks. */
  get size(): number {
    return this.#size;
  }

  /** Lowest rank; `undefined` for an empty set. */
  get first(): Rank | undefined {
    return this.#ranges[0]?.first;
  }

  /** Reports whether a rank is in the set. */
  has(rank: Rank): boolean {
    const range = this.#ranges[this.#indexOf(rank)];
    return range !== undefined && range.first <= rank;
  }

  /** Adds a rank. */
  add(rank: Rank): void {
    const ranges = this.#ranges, at = this.#indexOf(rank);
    const after = ranges[at], before = ranges[at - 1];
    if (after !== undefined && after.first <= rank) return;
    this.#size++;
    const joinsBefore = before?.last === rank - 1, joinsAfter = after?.first === rank + 1;
    if (joinsBefore && joinsAfter) {
      before.last = after.last;
      ranges.splice(at, 1);
    } else if (joinsBefore) before.last = rank;
    else if (joinsAfter) after.first = rank;
    else ranges.splice(at, 0, { first: rank, last: rank });
  }

  /** Removes a rank. */
  delete(rank: Rank): void {
    const ranges = this.#ranges, at = this.#indexOf(rank), range = ranges[at];
    if (range === undefined || range.first > rank) return;
    this.#size--;
    const { first, last } = range;
    if (first === last) ranges.splice(at, 1);
    else if (rank === first) range.first++;
    else if (rank === last) range.last--;
    else {
      range.last = rank - 1;
      ranges.splice(at + 1, 0, { first: rank + 1, last });
    }
  }

  /** Adds a rank, or removes it. */
  put(rank: Rank, isIn: boolean): void {
    if (isIn) this.add(rank);
    else this.delete(rank);
  }

  /** The ranks, in order. */
  *[Symbol.iterator](): Generator<Rank, void> {
    for (const { first, last } of this.#ranges) {
      for (let rank = first; rank <= last; rank++) yield rank;
    }
  }

  /**
   * Formats the first ranges as {@linkcode formatRanks} does, and the number of the ranks that are
   * left: `"3-7, 9 and 20 more"`.
   */
  format(mostRanges: number): string {
    const shown = this.#ranges.slice(0, mostRanges);
    const left = shown.reduce((left, { first, last }) => left - (last - first + 1), this.#size);
    const text = shown.map(({ first, last }) =>
      last - first > 1 ? `${first}-${last}` : first === last ? `${first}` : `${first}, ${last}`
    ).join(", ");
    return left === 0 ? text : `${text} and ${left} more`;
  }

  /** Finds the first range that does not end before the rank. */
  #indexOf(rank: Rank): number {
    let low = 0, high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.last ?? Infinity) < rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
