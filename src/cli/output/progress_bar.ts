import type { progress } from "./progress_deps.ts";

/** Values of a bar's format, by name. */
type Values = Readonly<Record<string, unknown>>;

/** Bar on standard error, which has to be a terminal. What draws it is loaded meanwhile. */
export class ProgressBar implements Disposable {
  #bar: progress.SingleBar | undefined;
  #at: number;
  #values: Values;
  #isStopped = false;

  /**
   * Shows a bar.
   *
   * @param format Text with names in braces, as cli-progress takes it.
   */
  constructor(format: string, total: number, at: number, values: Values = {}) {
    this.#at = at;
    this.#values = values;
    this.#show(format, total);
  }

  /** Moves the bar, and replaces some of the values. */
  update(at: number, values: Values = {}): void {
    this.#at = at;
    this.#values = { ...this.#values, ...values };
    this.#bar?.update(at, values);
  }

  /** Replaces some of the values. */
  replace(values: Values): void {
    this.update(this.#at, values);
  }

  /** Stops the bar and leaves it on the screen. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
    this.#bar?.stop();
  }

  async #show(format: string, total: number): Promise<void> {
    const { process, progress } = await import("./progress_deps.ts");
    if (this.#isStopped) return;
    const options = { format, stream: process.stderr, hideCursor: true, barsize: 24 };
    this.#bar = new progress.SingleBar(options, progress.Presets.shades_classic);
    this.#bar.start(total, this.#at, this.#values);
  }
}
