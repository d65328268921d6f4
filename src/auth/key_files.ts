/**
 * Errors and warnings about files that hold keys.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { errorMessage } from "../base/errors.ts";

/** Mode bits by which others than the owner may use a file. */
const OTHERS_MAY = 0o077;

/**
 * Gives a warning about a secret file that others than its owner may use, or `undefined`.
 *
 * @param what Content of the file, such as `"private key"`.
 * @throws {Deno.errors.NotFound} If there is no such file.
 */
export async function openToOthers(what: string, path: string): Promise<string | undefined> {
  const { mode } = await runtime.files.stat(path);
  if (mode === null || (mode & OTHERS_MAY) === 0) return undefined;
  const shown = (mode & 0o777).toString(8).padStart(4, "0");
  return `The ${what} ${path} may be read by others (mode ${shown}): run chmod 600 ${path}`;
}

/** Makes the error for a file that cannot be read. */
export function unreadable(what: string, path: string, cause: unknown): Error {
  const why = cause instanceof runtime.errors.NotFound
    ? "there is no such file"
    : cause instanceof runtime.errors.NotCapable
    ? `run Deno with --allow-read=${path}`
    : errorMessage(cause);
  return new Error(`Cannot read the ${what} in ${path}: ${why}`, { cause });
}
