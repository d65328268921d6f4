import { runtime, type Timer } from "../base/runtime/runtime.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RunState } from "./run_state.ts";
import type { RunEntry, RunFile, RunMessage, ShownRun } from "./run_source.ts";
import type { RunView } from "./view.ts";

/** Time in milliseconds between two changes that pages are told of. */
const CHANGE_MILLIS = 100;

/** Run of this process. Its events are gathered, and told to the pages ten times a second. */
export class LiveRun implements ShownRun, Disposable {
  readonly #state: RunState;
  readonly #files: () => Promise<readonly RunFile[]>;
  readonly #followers = new Set<(message: RunMessage) => void>();
  #timer: Timer | undefined;

  /** Wraps the state of a run, and the files that it has so far. */
  constructor(
    state: RunState,
    files: () => Promise<readonly RunFile[]> = () => Promise.resolve([]),
  ) {
    this.#state = state;
    this.#files = files;
  }

  /** The run in the list of runs. */
  get entry(): RunEntry {
    const { id, name, strategy } = this.#state.run;
    const { stage, round } = this.#state.head();
    const accuracy = this.#state.points.at(-1)?.accuracy;
    return {
      id,
      name,
      strategy,
      stage,
      rounds: round,
      ...(accuracy !== undefined && { accuracy }),
    };
  }

  /** Takes an event, which must be one that may be told. */
  show(event: ServerEvent): void {
    this.#state.apply(event);
    if (this.#followers.size === 0 || this.#timer !== undefined) return;
    this.#timer = runtime.timers.setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, CHANGE_MILLIS);
  }

  /** Returns the whole view. */
  view(): Promise<RunView> {
    return Promise.resolve(this.#state.view());
  }

  /** Calls a function with the view and its changes. */
  follow(tell: (message: RunMessage) => void): Promise<Disposable> {
    // The others are told first: what has changed until now is in the new one's view.
    this.#tell();
    this.#followers.add(tell);
    tell({ view: this.#state.view() });
    return Promise.resolve({ [Symbol.dispose]: () => void this.#followers.delete(tell) });
  }

  /** Lists the files that the run has so far. */
  files(): Promise<readonly RunFile[]> {
    return this.#files();
  }

  /** Tells the last change. */
  [Symbol.dispose](): void {
    runtime.timers.clearTimeout(this.#timer);
    this.#tell();
  }

  #tell(): void {
    const change = this.#state.takeChange();
    if (change === undefined) return;
    for (const tell of this.#followers) tell({ change });
  }
}
