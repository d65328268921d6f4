/** Room of a disk, in bytes. */
export class DiskSpace {
  /** Bytes that files take up. */
  used = 0;
  /** Bytes that files may take up, by the faults in force. */
  readonly #limits = new Map<object, number>();
  #least = Infinity;

  /** Bytes that are free. */
  get free(): number {
    return Math.max(0, this.#least - this.used);
  }

  /** Limits the room for a reason, until it is lifted, to the bytes that are used and some more. */
  limit(reason: object, freeBytes: number): void {
    this.#limits.set(reason, this.used + freeBytes);
    this.#least = Math.min(...this.#limits.values());
  }

  /** Lifts a limit. */
  lift(reason: object): void {
    this.#limits.delete(reason);
    this.#least = Math.min(...this.#limits.values());
  }
}
