/**
 * Transport whose listener outlives the server that listens.
 *
 * @module
 */

import type { Channel, Listener, Transport } from "./transport.ts";

/** Listener that is lent to one server after the other. */
class KeptListener {
  readonly inner: Listener;
  /** Admission by the server that listens now. */
  #isWelcome: ((remote: string) => boolean) | undefined;
  /** Channel that is being accepted, which the next server gets if it comes after this one. */
  #next: Promise<Channel | null> | undefined;

  constructor(inner: Listener) {
    this.inner = inner;
  }

  /** Lends the listener, until the lease is closed. */
  lend(): Listener {
    const closed = Promise.withResolvers<undefined>();
    return {
      address: this.inner.address,
      accept: async (isWelcome) => {
        this.#isWelcome = isWelcome;
        const next = this.#next ??= this.#accept();
        const channel = await Promise.race([next, closed.promise]);
        if (channel === undefined) return null;
        this.#next = undefined;
        return channel;
      },
      close: () => {
        this.#isWelcome = undefined;
        closed.resolve(undefined);
      },
    };
  }

  #accept(): Promise<Channel | null> {
    const next = this.inner.accept((remote) => this.#isWelcome?.(remote) ?? true);
    next.catch(() => {
      if (this.#next === next) this.#next = undefined;
    });
    return next;
  }

  /** Stops listening, and closes a channel that no server has taken. */
  close(): void {
    this.inner.close();
    this.#next?.then((channel) => channel?.close(), () => {});
  }
}

/**
 * Transport that goes on listening when a server has closed its listener, so that another server
 * can take over the address: clients that come in between wait for it. A port of 0 stays the one
 * that was taken first.
 */
export class KeptTransport implements Transport, Disposable {
  /** Name of the transport that does the work. */
  readonly name: string;
  readonly #inner: Transport;
  readonly #listeners = new Map<string, KeptListener>();

  /** Wraps a transport. */
  constructor(inner: Transport) {
    this.name = inner.name;
    this.#inner = inner;
  }

  /** Connects as the wrapped transport does. */
  connect(address: string, options?: { signal?: AbortSignal }): Promise<Channel> {
    return this.#inner.connect(address, options);
  }

  /** Listens, or takes the listener of that address over. */
  async listen(address: string): Promise<Listener> {
    let kept = this.#listeners.get(address);
    if (kept === undefined) {
      kept = new KeptListener(await this.#inner.listen(address));
      this.#listeners.set(address, kept);
    }
    return kept.lend();
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }
}
