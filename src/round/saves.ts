import { pause } from "../base/time/pause.ts";
import { errorMessage, OvertakenError } from "../base/errors.ts";
import type { ServerEvent } from "./events.ts";

/** How often a run may fail to be saved, one time after the other, before it stops. */
export const DEFAULT_SAVE_TRIES = 10;

/** How long the last save of a run is tried. */
const LAST_SAVE_SECONDS = 5;
const FIRST_PAUSE_MILLIS = 100;

/** How a run is saved. */
export interface SavesOptions {
  /** Saves it as it stands; gives what the checkpoint is called, or nothing where none is due. */
  save(): Promise<string | undefined>;
  /** The last round that is over. */
  round(): number;
  /** How often it may fail in a row. Default {@linkcode DEFAULT_SAVE_TRIES}. */
  readonly tries?: number | undefined;
  tell(event: ServerEvent): void;
  warn(text: string): void;
}

/**
 * A run's checkpoints as it goes: a save that fails is told and tried again after the next round,
 * since a full disk or too many open files may pass.
 */
export class Saves {
  readonly #options: SavesOptions;
  #failures = 0;

  constructor(options: SavesOptions) {
    this.#options = options;
  }

  /** Whether it has failed too often. */
  get isGivenUp(): boolean {
    return this.#failures >= (this.#options.tries ?? DEFAULT_SAVE_TRIES);
  }

  /**
   * Saves the run after a round. Rejects with an `Error` when that has failed too often in a row,
   * or can never do.
   */
  async save(): Promise<void> {
    const { tries = DEFAULT_SAVE_TRIES, tell, warn, round } = this.#options;
    try {
      await this.#attempt();
    } catch (error) {
      if (isFinal(error)) throw error;
      const reason = errorMessage(error), failures = ++this.#failures;
      tell({ type: "checkpoint-failed", round: round(), reason, failures });
      if (this.isGivenUp) {
        throw new Error(
          `Cannot go on: the run could not be saved ${failures} times in a row: ${reason}`,
          { cause: error },
        );
      }
      warn(`${reason}; trying again after the next round (${failures} of ${tries})`);
    }
  }

  /**
   * Saves the run at its end, after which no round follows: tries it for some seconds. Rejects with
   * the last try's error.
   */
  async saveLast(signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + LAST_SAVE_SECONDS * 1000;
    for (let millis = FIRST_PAUSE_MILLIS;; millis *= 2) {
      try {
        return await this.#attempt();
      } catch (error) {
        if (isFinal(error) || performance.now() + millis > deadline) throw error;
        this.#options.warn(`${errorMessage(error)}; trying again`);
      }
      await pause(millis, signal);
    }
  }

  async #attempt(): Promise<void> {
    const path = await this.#options.save();
    this.#failures = 0;
    if (path === undefined) return;
    this.#options.tell({ type: "checkpoint", round: this.#options.round(), path });
  }
}

/** Whether no later try can do better. */
function isFinal(error: unknown): boolean {
  return error instanceof OvertakenError ||
    (error instanceof Error && error.cause instanceof Deno.errors.NotCapable);
}
