import { runtime, type Timer } from "../../base/runtime/runtime.ts";
import { RunState } from "../../dashboard/run_state.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { LiveLines } from "./live_lines.ts";
import { terminalSize } from "./terminal.ts";

/** Time between two pictures where there are events, and where a round waits, in milliseconds. */
const EVENT_MILLIS = 250, WAIT_MILLIS = 1000;

/** Least number of columns and rows of a terminal on which clients are shown. */
const LEAST = { columns: 98, rows: 12 };

/** Tells whether a table of clients has room on the terminal. */
export function hasRoomForClients(): boolean {
  const size = terminalSize();
  return size !== undefined && size.columns >= LEAST.columns && size.rows >= LEAST.rows;
}

/** Clients of a run at the bottom of the terminal, below a line about the run. */
export class LiveClients implements Disposable {
  readonly #run = new RunState({
    ...{ id: "", name: "", command: "", strategy: "", settings: {} },
  });
  readonly #lines = new LiveLines();
  readonly #line: () => string;
  #table: typeof import("./live_table.ts") | undefined;
  #timer: Timer | undefined;
  #isChanged = false;
  #isOpen = false;
  #drawnAt = 0;
  #isStopped = false;

  /**
   * Begins without clients.
   *
   * @param line Gives the line about the run.
   */
  constructor(line: () => string) {
    this.#line = line;
    import("./live_table.ts").then((table) => {
      if (this.#isStopped) return;
      this.#table = table;
      this.#draw();
      this.#drawSoon();
    });
  }

  /** Takes an event, which must be one that may be told. */
  show(event: ServerEvent): void {
    this.#run.apply(event);
    this.#isChanged = true;
    this.#drawSoon();
  }

  /** Draws the clients for the last time and leaves them on the screen. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
    runtime.timers.clearTimeout(this.#timer);
    this.#draw();
    this.#lines[Symbol.dispose]();
  }

  #drawSoon(): void {
    if (this.#table === undefined || this.#isStopped) return;
    this.#timer ??= runtime.timers.setTimeout(() => {
      this.#timer = undefined;
      const waited = runtime.clock.now() - this.#drawnAt;
      if (this.#isChanged || waited >= WAIT_MILLIS) this.#draw();
      if (this.#isOpen) this.#drawSoon();
    }, EVENT_MILLIS);
  }

  #draw(): void {
    const size = terminalSize();
    if (this.#table === undefined || size === undefined) return;
    this.#isChanged = false;
    this.#drawnAt = runtime.clock.now();
    if (size.columns < LEAST.columns || size.rows < LEAST.rows) {
      return this.#lines.replace([this.#line().slice(0, size.columns - 1)], size.columns - 1);
    }
    const view = this.#run.view();
    this.#isOpen = view.open !== undefined;
    const { lines, columns } = this.#table.liveTable(
      view,
      // Rows of the line above and of the cursor; and one more: some terminals keep what is erased
      // from the first row on among the lines that have scrolled away.
      { columns: size.columns, rows: size.rows - 3 },
      runtime.clock.unixMillis(),
      !runtime.process.noColor,
    );
    this.#lines.replace([this.#line().slice(0, size.columns - 1), ...lines], columns);
  }
}
