/** Wait for a lock. */
interface Waiting<Holder> {
  readonly holder: Holder;
  readonly isExclusive: boolean;
  readonly onGrant: () => void;
}

/** Locks on a file, as `flock` of Linux gives them to files that are open. */
export class FileLocks<Holder> {
  /** Those that hold a lock; true for one that shares it with no other. */
  readonly #holders = new Map<Holder, boolean>();
  #waiting: Waiting<Holder>[] = [];

  /**
   * Takes a lock, or exchanges the one that is held for another kind.
   *
   * @returns `false` if others prevent it. Then a lock of another kind is lost, as on Linux.
   */
  tryTake(holder: Holder, isExclusive: boolean): boolean {
    const held = this.#holders.get(holder);
    if (held === isExclusive) return true;
    if (held !== undefined) this.#holders.delete(holder);
    const others = [...this.#holders.values()];
    const isFree = isExclusive ? others.length === 0 : !others.includes(true);
    if (isFree) this.#holders.set(holder, isExclusive);
    if (held !== undefined) this.#grant();
    return isFree;
  }

  /** Takes a lock as soon as that is possible. */
  take(holder: Holder, isExclusive: boolean, onGrant: () => void): void {
    if (this.tryTake(holder, isExclusive)) return onGrant();
    this.#waiting.push({ holder, isExclusive, onGrant });
  }

  /** Releases the lock of a holder, and forgets what it waits for. */
  release(holder: Holder): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.holder !== holder);
    if (this.#holders.delete(holder)) this.#grant();
  }

  /** Gives locks to those who wait, in the order in which they came. */
  #grant(): void {
    for (const waiting of [...this.#waiting]) {
      const { holder, isExclusive, onGrant } = waiting;
      if (!this.#waiting.includes(waiting) || !this.tryTake(holder, isExclusive)) continue;
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      onGrant();
    }
  }
}
