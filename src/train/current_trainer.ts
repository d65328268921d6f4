import { yieldToEventLoop } from "../base/time/yield_to_event_loop.ts";
import type { Trainer } from "./trainer.ts";

/** Trainer of a handler: the model that it has built last. */
export class CurrentTrainer {
  #trainer: Trainer | undefined;
  /** Number of times that the trainer was freed. */
  #turn = 0;

  /** The trainer, if there is one. */
  get known(): Trainer | undefined {
    return this.#trainer;
  }

  /**
   * The trainer.
   *
   * @throws {Error} If there is none.
   */
  get ready(): Trainer {
    if (!this.#trainer) throw new Error("Cannot use the handler: setUp() has not built its model");
    return this.#trainer;
  }

  /** Frees the trainer. */
  free(): void {
    const trainer = this.#trainer;
    this.#trainer = undefined;
    this.#turn++;
    trainer?.[Symbol.dispose]();
  }

  /**
   * Frees the trainer to put another in its place.
   *
   * @returns A function that takes the other one, prepared by `prepare`; it frees it and throws an
   * `Error` if the place was freed again meanwhile.
   */
  replace(): (trainer: Trainer, prepare: (trainer: Trainer) => void) => void {
    this.free();
    const turn = this.#turn;
    return (trainer, prepare) => {
      try {
        if (turn !== this.#turn) throw takenAway();
        prepare(trainer);
      } catch (error) {
        trainer[Symbol.dispose]();
        throw error;
      }
      this.#trainer = trainer;
    };
  }

  /**
   * Gives the event loop a turn when it is due. Throws if the work was aborted meanwhile, or the
   * trainer freed.
   *
   * @returns A promise of the turn; `undefined` if none is due.
   */
  yield(trainer: Trainer, signal: AbortSignal | undefined): Promise<void> | undefined {
    const check = () => {
      signal?.throwIfAborted();
      if (this.#trainer !== trainer) throw takenAway();
    };
    const turn = yieldToEventLoop();
    if (turn) return turn.then(check);
    check();
  }
}

function takenAway(): Error {
  return new Error("Cannot go on: the handler was disposed of or set up anew meanwhile");
}
