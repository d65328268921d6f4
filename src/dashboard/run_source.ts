import type { RunView, ViewChange } from "./view.ts";

/** Run in the list of runs. */
export interface RunEntry {
  /** Text that names the run in addresses. */
  readonly id: string;
  /** Name for people. */
  readonly name: string;
  /** Name of the strategy. */
  readonly strategy: string;
  /** Stage of the run. */
  readonly stage: string;
  /** Number of rounds that have ended. */
  readonly rounds: number;
  /** Accuracy after the last round. */
  readonly accuracy?: number;
  /** Reason why the run cannot be shown. */
  readonly fault?: string;
}

/** File of a run that can be downloaded. */
export interface RunFile {
  /** Name without a path. */
  readonly name: string;
  /** Media type. */
  readonly type: string;
  /** Reads the content. */
  read(): Promise<Uint8Array<ArrayBuffer> | string>;
}

/** Something to tell a page: the whole view, or a change of it. */
export type RunMessage = { readonly view: RunView } | { readonly change: ViewChange };

/** Run that a dashboard shows. */
export interface ShownRun {
  /** Returns the whole view. */
  view(): Promise<RunView>;
  /**
   * Calls a function with the whole view, then with each change, until the result is disposed of.
   */
  follow(tell: (message: RunMessage) => void): Promise<Disposable>;
  /** Lists the files that can be downloaded. */
  files(): Promise<readonly RunFile[]>;
}

/** Runs that a dashboard shows. */
export interface RunSource {
  /** Lists the runs, the newest first. */
  list(): Promise<readonly RunEntry[]>;
  /** Returns a run; `undefined` where there is none with the id. */
  find(id: string): Promise<ShownRun | undefined>;
}
