import { ProtocolError } from "../../base/errors.ts";

/** Things that come in one after the other, each with somebody who waits for what becomes of it. */
export class Inbox<Item> {
  readonly #items: { item: Item; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #wake: (() => void) | undefined;
  #closed: (() => unknown) | undefined;

  /** Puts something in; resolves when it was dealt with, rejects with the reason when it was refused. */
  async put(item: Item): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#items.push({ item, resolve, reject });
    this.wake();
    await promise;
  }

  /** Deals with the first thing that is there; a `ProtocolError` is for whoever put it in. False when nothing is there. */
  next(deal: (item: Item) => void): boolean {
    const first = this.#items.shift();
    if (first === undefined) return false;
    try {
      deal(first.item);
      first.resolve();
    } catch (error) {
      first.reject(error);
      // Anything else is not the sender's fault.
      if (!(error instanceof ProtocolError)) throw error;
    }
    return true;
  }

  /** Whether the predicate holds for something that is there. */
  has(predicate: (item: Item) => boolean): boolean {
    return this.#items.some(({ item }) => predicate(item));
  }

  /** Resolves when something came in, or somebody called `wake`, since the call. */
  async changed(): Promise<void> {
    if (this.#items.length > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  /** Ends the wait for something new. */
  wake(): void {
    this.#wake?.();
  }

  /** Refuses all that is there and all that comes, until it is opened again. */
  close(reason: () => unknown): void {
    this.#closed = reason;
    for (const { reject } of this.#items.splice(0)) reject(reason());
  }

  /** Takes things in again. */
  open(): void {
    this.#closed = undefined;
  }
}
