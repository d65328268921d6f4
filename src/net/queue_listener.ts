import type { Channel, Listener } from "./transport.ts";

/**
 * Listener whose channels are created elsewhere and offered to it. Channels that were not accepted
 * are closed with it.
 */
export class QueueListener implements Listener {
  readonly address: string;
  readonly #waiting: Channel[] = [];
  readonly #onClose: () => void;
  /** Resolves when a channel arrives or the listener closes, for all calls of `accept`. */
  #news = Promise.withResolvers<void>();
  #closed = false;

  /** Creates a listener at an address; `onClose` is called once. */
  constructor(address: string, onClose: () => void) {
    this.address = address;
    this.#onClose = onClose;
  }

  /** Offers a channel to `accept`; closes it if the listener is closed. */
  offer(channel: Channel): void {
    if (this.#closed) return channel.close();
    this.#waiting.push(channel);
    this.#wake();
  }

  async accept(): Promise<Channel | null> {
    for (;;) {
      const channel = this.#waiting.shift();
      if (channel !== undefined) return channel;
      if (this.#closed) return null;
      await this.#news.promise;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const channel of this.#waiting.splice(0)) channel.close();
    this.#onClose();
    this.#wake();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
