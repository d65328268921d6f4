/** Allocations start at multiples of this many bytes, a cache line. */
export const ALIGNMENT = 64;

/** A range of bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The number of bytes an allocation takes: rounded up to a cache line, and never none. */
export function roomFor(byteLength: number): number {
  return Math.max(1, Math.ceil(byteLength / ALIGNMENT)) * ALIGNMENT;
}

/** First-fit allocation of a range of bytes. */
export class Arena {
  // In order of their start, never touching one another.
  readonly #holes: Span[];

  /** All bytes from `start`, a multiple of 64, to `end` are free at first. */
  constructor(start: number, end: number) {
    this.#holes = [{ start, end }];
  }

  /** Bytes that are free, in however many pieces. */
  get free(): number {
    return this.#holes.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Bytes of the largest piece that is free. */
  get largest(): number {
    return this.#holes.reduce((most, { start, end }) => Math.max(most, end - start), 0);
  }

  /** Takes a range that holds so many bytes, or nothing when no hole is large enough. */
  take(byteLength: number): Span | undefined {
    const room = roomFor(byteLength);
    const index = this.#holes.findIndex(({ start, end }) => end - start >= room);
    const hole = this.#holes[index];
    if (hole === undefined) return undefined;
    const span = { start: hole.start, end: hole.start + room };
    if (span.end === hole.end) this.#holes.splice(index, 1);
    else this.#holes[index] = { start: span.end, end: hole.end };
    return span;
  }

  /** Gives back a range that was taken, joining it to the holes it touches. */
  give({ start, end }: Span): void {
    const found = this.#holes.findIndex((hole) => hole.start >= end);
    let index = found < 0 ? this.#holes.length : found;
    let count = 0;
    const before = this.#holes[index - 1];
    const after = this.#holes[index];
    if (after?.start === end) {
      end = after.end;
      count++;
    }
    if (before?.end === start) {
      start = before.start;
      index--;
      count++;
    }
    this.#holes.splice(index, count, { start, end });
  }
}
