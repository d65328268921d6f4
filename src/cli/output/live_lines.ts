import { runtime } from "../../base/runtime/runtime.ts";
import { keepBelow, terminalSize, writeText } from "./terminal.ts";

/** Control sequences of ECMA-48: the cursor goes up some lines, and the screen is erased below. */
const up = (lines: number) => `\x1b[${lines}A`, ERASE_BELOW = "\x1b[J";

/** Lines at the bottom of the terminal that are replaced in place. Other output goes above them. */
export class LiveLines implements Disposable {
  readonly #below = keepBelow({ hide: () => this.#write(""), show: () => this.#write(this.#text) });
  #text = "";

  /** Number of lines on the screen, and of columns that the widest of them takes. */
  #shown = { lines: 0, columns: 0 };
  #columns = 0;

  /**
   * Replaces the lines.
   *
   * @param columns Number of columns of the widest line.
   */
  replace(lines: readonly string[], columns: number): void {
    this.#text = lines.map((line) => `${line}\n`).join("");
    this.#columns = columns;
    this.#write(this.#text);
  }

  /** Leaves the lines on the screen. */
  [Symbol.dispose](): void {
    this.#below[Symbol.dispose]();
  }

  #write(text: string): void {
    const { lines, columns } = this.#shown;
    // A terminal that has become narrower has wrapped the lines.
    const folds = Math.max(1, Math.ceil(columns / (terminalSize()?.columns ?? columns)));
    const erase = lines === 0 ? "" : `${up(lines * folds)}\r${ERASE_BELOW}`;
    this.#shown = { lines: text.split("\n").length - 1, columns: this.#columns };
    try {
      writeText(runtime.process.stderr, erase + text);
    } catch (error) {
      if (!(error instanceof runtime.errors.BrokenPipe)) throw error;
    }
  }
}
