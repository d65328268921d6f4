import { errorMessage, OvertakenError } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { delay } from "../../base/time/delay.ts";
import { traced, type Tracer } from "../../base/tracer.ts";
import type { ServerEvent } from "../report/events.ts";

/** Default number of failed saves in a row after which a run stops. */
export const DEFAULT_SAVE_TRIES = 10;

/** Time during which the last save of a run is tried again. */
const LAST_SAVE_SECONDS = 5;
const FIRST_PAUSE_MILLIS = 100;

/** Options of a {@linkcode CheckpointSaver}. */
export interface CheckpointSaverOptions {
  /** Saves the run; returns the checkpoint's name, or `undefined` when none is due. */
  save(): Promise<string | undefined>;
  /** Returns the last round whose model is made. */
  round(): number;
  /**
   * Number of failures in a row after which it gives up. Default {@linkcode DEFAULT_SAVE_TRIES}.
   */
  readonly tries?: number | undefined;
  /** Observer of the saves. */
  readonly tracer?: Tracer | undefined;
  emit(event: ServerEvent): void;
  warn(text: string): void;
}

/**
 * Saves a run's checkpoints. A save that fails is reported and tried again after the next round,
 * because a full disk or too many open files may be temporary.
 */
export class CheckpointSaver {
  readonly #options: CheckpointSaverOptions;
  #failures = 0;

  constructor(options: CheckpointSaverOptions) {
    this.#options = options;
  }

  /** Set after too many failures in a row. */
  get hasGivenUp(): boolean {
    return this.#failures >= (this.#options.tries ?? DEFAULT_SAVE_TRIES);
  }

  /**
   * Saves the run after a round.
   *
   * @throws {Error} If saving has failed too often in a row, or can never succeed.
   */
  async save(): Promise<void> {
    const { tries = DEFAULT_SAVE_TRIES, emit, warn, round } = this.#options;
    try {
      await this.#attempt();
    } catch (error) {
      if (isFinal(error)) throw error;
      const reason = errorMessage(error), failures = ++this.#failures;
      emit({ type: "checkpoint-failed", round: round(), reason, failures });
      if (this.hasGivenUp) {
        throw new Error(
          `Cannot go on: the run could not be saved ${failures} times in a row: ${reason}`,
          { cause: error },
        );
      }
      warn(`${reason}; trying again after the next round (${failures} of ${tries})`);
    }
  }

  /**
   * Saves the release of a private round before anything of it is told: a round that is made again
   * after a crash has other noise, and the account would lack the first. Tries again for some
   * seconds, and gives up then.
   *
   * @throws The error of the last try.
   */
  async saveRelease(signal?: AbortSignal): Promise<void> {
    try {
      await this.saveLast(signal);
    } catch (error) {
      this.#failures = this.#options.tries ?? DEFAULT_SAVE_TRIES;
      throw error;
    }
  }

  /**
   * Saves the run at once. Tries again for some seconds, as at its end, when no round follows.
   *
   * @throws The error of the last try.
   */
  async saveLast(signal?: AbortSignal): Promise<void> {
    const deadline = runtime.clock.now() + LAST_SAVE_SECONDS * 1000;
    for (let millis = FIRST_PAUSE_MILLIS;; millis *= 2) {
      try {
        return await this.#attempt();
      } catch (error) {
        if (isFinal(error) || runtime.clock.now() + millis > deadline) throw error;
        this.#options.warn(`${errorMessage(error)}; trying again`);
      }
      await delay(millis, signal);
    }
  }

  async #attempt(): Promise<void> {
    const { save, round, tracer, emit } = this.#options;
    const path = await traced(tracer, { name: "checkpoint", round: round() }, save);
    this.#failures = 0;
    if (path === undefined) return;
    emit({ type: "checkpoint", round: round(), path });
  }
}

/** Returns `true` for an error after which no later try can succeed. */
function isFinal(error: unknown): boolean {
  return error instanceof OvertakenError ||
    (error instanceof Error && error.cause instanceof runtime.errors.NotCapable);
}
