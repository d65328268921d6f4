/**
 * Reading a file so that what goes wrong is said in one line: which file, why, and the way out.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";

/** What is to be said in place of the runtime's own error about `path`; its class is kept where a caller may catch it. */
export function fileError(error: unknown, path: string): Error {
  const options = { cause: error };
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
    return new Deno.errors.NotFound(
      `Cannot read ${path}: there is no such file, relative paths start at the current folder`,
      options,
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new Deno.errors.NotCapable(
      `Cannot read ${path}: permission is missing, run Deno with --allow-read=${path}`,
      options,
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new Deno.errors.PermissionDenied(
      `Cannot read ${path}: the operating system denies access, check the file's owner and mode`,
      options,
    );
  }
  if (error instanceof Deno.errors.IsADirectory) {
    return new Deno.errors.IsADirectory(
      `Cannot read ${path}: it is a folder, name a file in it`,
      options,
    );
  }
  return new Error(`Cannot read ${path}: ${errorMessage(error)}`, options);
}

/** The bytes of a file. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw fileError(error, path);
  }
}
