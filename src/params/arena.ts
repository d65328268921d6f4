/** Alignment of allocations in bytes, a cache line. */
export const ALIGNMENT = 64;

/** Range of bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the number of bytes of an allocation: rounded up to a cache line, and at least one line.
 */
export function allocationSize(byteLength: number): number {
  return Math.max(1, Math.ceil(byteLength / ALIGNMENT)) * ALIGNMENT;
}

/** First-fit allocator of a range of bytes. */
export class Arena {
  // In the order of their start; no two are adjacent.
  readonly #holes: Span[];

  /** Creates an allocator in which all bytes from `start`, a multiple of 64, to `end` are free. */
  constructor(start: number, end: number) {
    this.#holes = [{ start, end }];
  }

  /** Number of free bytes, in any number of pieces. */
  get free(): number {
    return this.#holes.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Number of bytes of the largest free piece. */
  get largest(): number {
    return this.#holes.reduce((most, { start, end }) => Math.max(most, end - start), 0);
  }

  /** Allocates a range of at least `byteLength` bytes; `undefined` when no hole is large enough. */
  take(byteLength: number): Span | undefined {
    const room = allocationSize(byteLength);
    const index = this.#holes.findIndex(({ start, end }) => end - start >= room);
    const hole = this.#holes[index];
    if (hole === undefined) return undefined;
    const span = { start: hole.start, end: hole.start + room };
    if (span.end === hole.end) this.#holes.splice(index, 1);
    else this.#holes[index] = { start: span.end, end: hole.end };
    return span;
  }

  /** Frees a range that was allocated, and joins it to the holes beside it. */
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
