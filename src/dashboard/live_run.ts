import type { EndStep, Step, Tracer } from "../base/tracer.ts";
import { runtime, type Timer } from "../base/runtime/runtime.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RunState } from "./run_state.ts";
import type { RunEntry, RunFile, RunMessage, ShownRun } from "./run_source.ts";
import type { RoundPoint, RunView } from "./view.ts";

/** Time in milliseconds between two changes that pages are told of. */
const CHANGE_MILLIS = 100;

/** Tells whether a round has an accuracy. */
export function isEvaluated({ accuracy }: RoundPoint): boolean {
  return accuracy !== undefined;
}

/** Run of this process. Its events are gathered, and told to the pages ten times a second. */
export class LiveRun implements ShownRun, Tracer, Disposable {
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
    const { accuracy } = this.#state.points.findLast(isEvaluated) ?? {};
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
    this.#tellSoon();
  }

  /** Observes a step of the run. */
  begin(step: Step): EndStep {
    const end = this.#state.observe(step);
    return (error) => {
      end(error);
      this.#tellSoon();
    };
  }

  /** Tells that no further round begins, or that the rounds go on. */
  pause(isPaused: boolean): void {
    this.#state.pause(isPaused);
    this.#tellSoon();
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

  #tellSoon(): void {
    if (this.#followers.size === 0 || this.#timer !== undefined) return;
    this.#timer = runtime.timers.setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, CHANGE_MILLIS);
  }

  #tell(): void {
    const change = this.#state.takeChange();
    if (change === undefined) return;
    // One message for all, which is written once.
    const message = { change };
    for (const tell of this.#followers) tell(message);
  }
}
