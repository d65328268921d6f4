/**
 * Reading a file so that what goes wrong is said in one line: which file, why, and the way out.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";

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

/** What a path leads to that is no file. */
function kindOf({ isFifo, isSocket, isCharDevice, isBlockDevice }: Deno.FileInfo): string {
  if (isFifo) return "a pipe";
  if (isSocket) return "a socket";
  return isCharDevice || isBlockDevice ? "a device" : "something else";
}

/** Throws for what is no file: a pipe may never be written to, and a device may never end. */
function checkFile(info: Deno.FileInfo, path: string): void {
  if (info.isDirectory) throw fileError(new Deno.errors.IsADirectory("a folder"), path);
  if (info.isFile) return;
  throw new TypeError(`Cannot read ${path}: expected a file, got ${kindOf(info)}`);
}

/**
 * Opens a file for reading, and tells its size; links are followed.
 *
 * Throws a `Deno.errors` class of one line when it cannot be read, and a `TypeError` for what is no
 * file.
 */
export async function openFile(path: string): Promise<{ file: Deno.FsFile; size: number }> {
  let file: Deno.FsFile | undefined;
  try {
    // To open a pipe waits for someone who writes to it: hence a look before, and one at what was
    // opened.
    checkFile(await Deno.stat(path), path);
    file = await Deno.open(path);
    const info = await file.stat();
    checkFile(info, path);
    return { file, size: info.size };
  } catch (error) {
    file?.close();
    throw error instanceof TypeError ? error : fileError(error, path);
  }
}

/** Reads so many bytes; fewer when the file has become shorter. */
async function readFrom(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let used = 0; used < length;) {
    const count = await file.read(bytes.subarray(used));
    if (count === null) return bytes.subarray(0, used);
    used += count;
  }
  return bytes;
}

/** The first bytes of a file, and its size. Throws as {@linkcode openFile} does. */
export async function readStart(
  path: string,
  length: number,
): Promise<{ start: Uint8Array<ArrayBuffer>; size: number }> {
  const { file, size } = await openFile(path);
  using _file = file;
  return { start: await readFrom(file, Math.min(length, size)), size };
}

/**
 * The bytes of a file. Throws as {@linkcode openFile} does, and a `RangeError` for one of more than
 * `most` bytes, before it is read.
 */
export async function readBytes(
  path: string,
  { most, wayOut = "" }: { most: number; wayOut?: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const { file, size } = await openFile(path);
  using _file = file;
  if (size > most) {
    throw new RangeError(
      `Cannot read ${path}: expected at most ${most} bytes, got ${size}${wayOut}`,
    );
  }
  return await readFrom(file, size);
}
