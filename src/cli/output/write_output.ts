import { runtime } from "../../base/runtime/runtime.ts";
import { replaceTextFile } from "../../base/files/whole_file.ts";
import { print, printError, writeText } from "./terminal.ts";

/** Name of standard output where a file can be given. */
export const STANDARD_OUTPUT = "-";

/**
 * Writes an output of a command. A file is replaced only once the new one is complete.
 *
 * @throws {Error} If the file cannot be written, or nobody reads standard output.
 */
export async function writeOutput(path: string, content: string): Promise<void> {
  if (path === STANDARD_OUTPUT) writeText(runtime.process.stdout, content);
  else await replaceTextFile(path, content);
}

/**
 * Chooses where a command prints its results: to standard error where standard output is one of
 * the output files.
 */
export function printerBeside(...paths: (string | undefined)[]): (text: string) => void {
  return paths.includes(STANDARD_OUTPUT) ? printError : print;
}
