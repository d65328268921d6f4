import type { Logger } from "../log.ts";

/** Most lines a second about those who do not get in. */
const LINES_PER_SECOND = 10;

/** Tells of peers that do not get in: of the first ones in a second one by one, of the others by their number. A flood of them must not fill the log. */
export class StrangerLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  #since = -Infinity;
  #told = 0;
  #untold = 0;

  /** Tells the logger; `now` tells the time in milliseconds. */
  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  /** A peer did not get in. */
  warn(text: string): void {
    const now = this.#now();
    if (now - this.#since >= 1000) {
      if (this.#untold > 0) this.#logger.warn(`Refused ${this.#untold} other clients`);
      this.#since = now;
      this.#told = this.#untold = 0;
    }
    if (this.#told >= LINES_PER_SECOND) {
      this.#untold++;
      return;
    }
    this.#told++;
    this.#logger.warn(text);
  }
}
