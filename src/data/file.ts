/**
 * Reading files, with errors of one line that name the file, the reason and the remedy.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { errorMessage } from "../base/errors.ts";

/**
 * Makes an error of one line from an error of the runtime. The class is kept where a caller may
 * catch it.
 */
export function fileError(error: unknown, path: string): Error {
  const options = { cause: error };
  if (error instanceof runtime.errors.NotFound || error instanceof runtime.errors.NotADirectory) {
    return new runtime.errors.NotFound(
      `Cannot read ${path}: there is no such file, relative paths start at the current folder`,
      options,
    );
  }
  if (error instanceof runtime.errors.NotCapable) {
    return new runtime.errors.NotCapable(
      `Cannot read ${path}: permission is missing, run Deno with --allow-read=${path}`,
      options,
    );
  }
  if (error instanceof runtime.errors.PermissionDenied) {
    return new runtime.errors.PermissionDenied(
      `Cannot read ${path}: the operating system denies access, check the file's owner and mode`,
      options,
    );
  }
  if (error instanceof runtime.errors.IsADirectory) {
    return new runtime.errors.IsADirectory(
      `Cannot read ${path}: it is a folder, name a file in it`,
      options,
    );
  }
  return new Error(`Cannot read ${path}: ${errorMessage(error)}`, options);
}

/** Gives the name of the kind of thing that a path leads to. */
function fileKind({ isFifo, isSocket, isCharDevice, isBlockDevice }: Deno.FileInfo): string {
  if (isFifo) return "a pipe";
  if (isSocket) return "a socket";
  return isCharDevice || isBlockDevice ? "a device" : "something else";
}

/** Throws for anything but a file: a pipe may stay empty, and a device may be endless. */
function checkFile(info: Deno.FileInfo, path: string): void {
  if (info.isDirectory) throw fileError(new runtime.errors.IsADirectory("a folder"), path);
  if (info.isFile) return;
  throw new TypeError(`Cannot read ${path}: expected a file, got ${fileKind(info)}`);
}

/**
 * Opens a file for reading, following links, and gives its size.
 *
 * @throws {Error} A class of `Deno.errors`, if the file cannot be read. The message has one line.
 * @throws {TypeError} If the path leads to a pipe, a socket or a device.
 */
export async function openFile(path: string): Promise<{ file: Deno.FsFile; size: number }> {
  let file: Deno.FsFile | undefined;
  try {
    // Opening a pipe waits for a writer: hence a check before, and another of what was opened.
    checkFile(await runtime.files.stat(path), path);
    file = await runtime.files.open(path);
    const info = await file.stat();
    checkFile(info, path);
    return { file, size: info.size };
  } catch (error) {
    file?.close();
    throw error instanceof TypeError ? error : fileError(error, path);
  }
}

/** Reads `length` bytes, or fewer when the file has become shorter. */
async function readFrom(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let used = 0; used < length;) {
    const count = await file.read(bytes.subarray(used));
    if (count === null) return bytes.subarray(0, used);
    used += count;
  }
  return bytes;
}

/** Reads the first bytes of a file, and gives its size. Rejects as {@linkcode openFile} does. */
export async function readStart(
  path: string,
  length: number,
): Promise<{ start: Uint8Array<ArrayBuffer>; size: number }> {
  const { file, size } = await openFile(path);
  using _file = file;
  return { start: await readFrom(file, Math.min(length, size)), size };
}

/**
 * Reads the bytes of a file. Rejects as {@linkcode openFile} does.
 *
 * @param limit `most` is the largest size, in bytes; `wayOut` is appended to the message when the
 * file is larger.
 * @throws {RangeError} If the file is larger, before it is read.
 */
export async function readBytes(
  path: string,
  limit: { readonly most: number; readonly wayOut?: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const { most, wayOut = "" } = limit;
  const { file, size } = await openFile(path);
  using _file = file;
  if (size > most) {
    throw new RangeError(
      `Cannot read ${path}: expected at most ${most} bytes, got ${size}${wayOut}`,
    );
  }
  return await readFrom(file, size);
}

/** Joins a folder and a name in it. */
export function joinPath(folder: string, name: string): string {
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}
