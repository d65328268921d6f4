import type { Channel, Listener } from "./transport.ts";

/** A listener whose channels are made elsewhere and offered to it. Those that nobody accepted end with it. */
export class QueueListener implements Listener {
  readonly address: string;
  readonly #waiting: Channel[] = [];
  readonly #onClose: () => void;
  /** Resolves when a channel comes or the listener closes, for all who accept. */
  #news = Promise.withResolvers<void>();
  #closed = false;

  /** A listener at the address; `onClose` is called once. */
  constructor(address: string, onClose: () => void) {
    this.address = address;
    this.#onClose = onClose;
  }

  /** Lets a channel wait for `accept`; it is closed if the listener is. */
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
