const LOOK_MILLIS = 20;

/**
 * Watches how late this process's timers are: a machine that is held up must not be taken for a
 * fault.
 */
export class LagWatch implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #since = new Set<{ millis: number }>();
  #last = performance.now();

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      const lag = now - this.#last - LOOK_MILLIS;
      this.#last = now;
      for (const most of this.#since) most.millis = Math.max(most.millis, lag);
    }, LOOK_MILLIS);
  }

  /** The longest delay from now on, in `millis`, until it is disposed of. */
  watch(): { readonly millis: number } & Disposable {
    const most = { millis: 0, [Symbol.dispose]: () => void this.#since.delete(most) };
    this.#since.add(most);
    return most;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
