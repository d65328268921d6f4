import { runtime } from "../../base/runtime/runtime.ts";

/** Lines that stay below all others on the terminal. */
export interface LinesBelow {
  /** Removes the lines, to make room for others. */
  hide(): void;
  /** Shows the lines again. */
  show(): void;
}

/** Lines below all others; {@linkcode keepBelow} sets them. */
let below: LinesBelow | undefined;

/** Keeps lines below those that are printed, until the result is disposed of. */
export function keepBelow(lines: LinesBelow): Disposable {
  below = lines;
  return {
    [Symbol.dispose]: () => {
      if (below === lines) below = undefined;
    },
  };
}

/**
 * Writes a line of results to standard output. Ignores a reader that has gone, as `head` does after
 * its last line.
 */
export function print(text: string): void {
  show(runtime.process.stdout, text);
}

/** Writes a line that is no result to standard error. Ignores a reader that has gone. */
export function printError(text: string): void {
  show(runtime.process.stderr, text);
}

function show(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  below?.hide();
  try {
    writeText(to, `${text}\n`);
  } catch (error) {
    if (!(error instanceof runtime.errors.BrokenPipe)) throw error;
  } finally {
    below?.show();
  }
}

/** Writes all of a text; a pipe may take it in parts. */
export function writeText(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

/** Tells whether standard error is a terminal, which can show a progress bar. */
export function isTerminal(): boolean {
  return runtime.process.stderr.isTerminal();
}

/** Returns the size of the terminal in characters; `undefined` where standard error is none. */
export function terminalSize(): { readonly columns: number; readonly rows: number } | undefined {
  return isTerminal() ? runtime.process.terminalSize() : undefined;
}

/** Formats a time in seconds in suitable units. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toPrecision(2)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
