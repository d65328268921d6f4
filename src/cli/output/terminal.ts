import { runtime } from "../../base/runtime/runtime.ts";

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
  try {
    writeText(to, `${text}\n`);
  } catch (error) {
    if (!(error instanceof runtime.errors.BrokenPipe)) throw error;
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

/** Formats a time in seconds in suitable units. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toPrecision(2)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
