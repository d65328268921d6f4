import type { Rank } from "../base/rank.ts";
import { withDeadline } from "../base/time/with_deadline.ts";

/**
 * Hold on a run from outside: pauses it between two rounds, and ends the part of single clients.
 *
 * @example
 * ```ts ignore
 * const control = new RunControl();
 * const server = new ServerSyncTop(handler, { control });
 * control.pause(); // the round that is under way ends, and no other one begins
 * control.resume();
 * ```
 */
export class RunControl {
  #pause: PromiseWithResolvers<void> | undefined;
  #drop: ((rank: Rank) => boolean) | undefined;

  /** Returns true if no further round begins. */
  get isPaused(): boolean {
    return this.#pause !== undefined;
  }

  /** Lets no further round begin. The one under way goes on to its end. */
  pause(): void {
    this.#pause ??= Promise.withResolvers();
  }

  /** Lets the rounds go on. */
  resume(): void {
    this.#pause?.resolve();
    this.#pause = undefined;
  }

  /**
   * Tells a client that the run is over for it. It leaves; a new client may take its place. To keep
   * it out, strike its key off the list of allowed keys.
   *
   * @returns False if no client with this rank is connected, or the run has none.
   */
  drop(rank: Rank): boolean {
    return this.#drop?.(rank) ?? false;
  }

  /** Resolves once the run is not paused, or rejects when the signal is aborted. */
  async whilePaused(signal?: AbortSignal): Promise<void> {
    while (this.#pause !== undefined) {
      await withDeadline(this.#pause.promise, { seconds: Infinity, signal });
    }
  }

  /** Gives the control the means to drop clients, until the result is disposed of. */
  bind(drop: (rank: Rank) => boolean): Disposable {
    this.#drop = drop;
    return { [Symbol.dispose]: () => void (this.#drop = undefined) };
  }
}
