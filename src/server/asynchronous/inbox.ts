import { ProtocolError } from "../../base/errors.ts";

/** Queue of items whose senders wait for the outcome. */
export class Inbox<Item> {
  readonly #items: { item: Item; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #wake: (() => void) | undefined;
  #closed: (() => unknown) | undefined;

  /**
   * Puts an item in. Resolves when it was accepted, rejects with the reason when it was refused.
   */
  async put(item: Item): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#items.push({ item, resolve, reject });
    this.wake();
    await promise;
  }

  /**
   * Accepts the first item, if there is one. A `ProtocolError` goes to the item's sender.
   *
   * @returns Whether there was an item.
   * @throws Any other error of `accept`.
   */
  next(accept: (item: Item) => void): boolean {
    const first = this.#items.shift();
    if (first === undefined) return false;
    try {
      accept(first.item);
      first.resolve();
    } catch (error) {
      first.reject(error);
      // The sender is not to blame for another error.
      if (!(error instanceof ProtocolError)) throw error;
    }
    return true;
  }

  /** Reports whether the predicate holds for an item. */
  has(predicate: (item: Item) => boolean): boolean {
    return this.#items.some(({ item }) => predicate(item));
  }

  /** Resolves when there is an item, or after the next call of `wake`. */
  async changed(): Promise<void> {
    if (this.#items.length > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  /** Ends the wait for an item. */
  wake(): void {
    this.#wake?.();
  }

  /** Refuses all items, now and from now on, with the reason. */
  close(reason: () => unknown): void {
    this.#closed = reason;
    for (const { reject } of this.#items.splice(0)) reject(reason());
  }

  /** Accepts items again. */
  open(): void {
    this.#closed = undefined;
  }
}
