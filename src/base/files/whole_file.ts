/**
 * Files that are complete at any time, with the old content or the new.
 *
 * @module
 */

import { runtime } from "../runtime/runtime.ts";
import { removeUnlocked, syncFolder, type UseFile, useFile } from "./folder.ts";
import { codeOf } from "./os_error.ts";
import { splitPath } from "./path.ts";

/** End of the name of a temporary file. A writer that is alive holds a lock on its file. */
const TEMPORARY_END = /^\.[0-9a-f-]{36}\.tmp$/;

/** Codes of errors after which the file itself may still be writable. */
const IN_PLACE_CODES = new Set(["EACCES", "EPERM", "EROFS", "ENAMETOOLONG"]);

/** Writes content to an open file. */
export type WriteContent = (file: Deno.FsFile) => Promise<void>;

/** Options for publishing a file. */
export interface PublishOptions {
  /** Permissions of the file. Default: the system's. */
  readonly mode?: number | undefined;
  /** Opens the file. */
  readonly use?: UseFile;
  /** Gives the file its name. Default: renames it, and replaces a file of that name. */
  readonly publish?: (temporary: string, path: string) => Promise<void>;
}

/** Options of {@linkcode replaceFile}. */
export interface ReplaceOptions {
  /** Permissions of a new file; a file that is replaced keeps its own. Default: the system's. */
  readonly mode?: number;
  /**
   * True if an existing file is not replaced: then the call rejects with
   * `Deno.errors.AlreadyExists`.
   *
   * @default {false}
   */
  readonly createNew?: boolean;
}

/**
 * Writes a file under a temporary name beside it, syncs it to the disk, and gives it its name: at
 * any time the file has its old content or all of the new.
 *
 * Rejects with the system's error, and removes the temporary file then.
 */
export async function publishFile(
  path: string,
  write: WriteContent,
  { mode, use = useFile, publish = runtime.files.rename }: PublishOptions = {},
): Promise<void> {
  const { folder, name } = splitPath(path);
  const temporary = `${folder}/.${name}.${runtime.random.randomUUID()}.tmp`;
  const options = { write: true, createNew: true, ...(mode !== undefined && { mode }) };
  try {
    await use(temporary, options, async (file) => {
      await file.tryLock(true).catch(() => {}); // some network file systems have no locks
      // The umask does not apply to the permissions of the file that is replaced.
      if (mode !== undefined) await runtime.files.chmod(temporary, mode).catch(() => {});
      await write(file);
      await file.sync();
      await publish(temporary, path);
    });
  } catch (error) {
    await runtime.files.remove(temporary).catch(() => {});
    throw error;
  }
}

/**
 * Replaces a file as {@linkcode publishFile} does. If the path is a link, its target is replaced.
 *
 * Devices and pipes are written to directly, and so is a file in a folder in which this process may
 * create no other. Rejects with the system's error.
 */
export async function replaceFile(
  path: string,
  write: WriteContent,
  { mode, createNew = false }: ReplaceOptions = {},
): Promise<void> {
  const place = await placeOf(path);
  if (place === undefined) return await writeInPlace(path, write, { mode, createNew });
  const { target } = place;
  try {
    await publishFile(target, write, {
      mode: place.mode ?? mode,
      ...(createNew && { publish: linkNew }),
    });
  } catch (error) {
    if (!IN_PLACE_CODES.has(codeOf(error) ?? "")) throw error;
    return await writeInPlace(path, write, { mode, createNew });
  }
  const { folder, name } = splitPath(target);
  const start = `.${name}`;
  await syncFolder(folder);
  await removeUnlocked(folder, {
    test: (name) => name.startsWith(start) && TEMPORARY_END.test(name.slice(start.length)),
  }).catch(() => {});
}

/** Replaces a text file as {@linkcode replaceFile} does. */
export async function replaceTextFile(
  path: string,
  text: string,
  options?: ReplaceOptions,
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await replaceFile(path, (file) => writeBytes(file, bytes), options);
}

/** Writes bytes at the position of an open file. */
export async function writeBytes(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/**
 * Checks that a path is not a link, if this process may read it.
 *
 * @throws {Error} If it is a link.
 */
export async function refuseLink(path: string, expected = "a regular file"): Promise<void> {
  if (!(await linkInfo(path))?.isSymlink) return;
  throw new Error(`Cannot use ${path}: expected ${expected}, got a link`);
}

/**
 * Returns the file to replace and its permissions; `undefined` if the path has to be written
 * directly.
 */
async function placeOf(path: string): Promise<{ target: string; mode?: number } | undefined> {
  // Paths there name files that are open already.
  if (/^\/(dev|proc)\//.test(path)) return undefined;
  let target = path;
  const link = await linkInfo(path);
  if (link?.isSymlink) {
    try {
      target = await runtime.files.realPath(path);
    } catch {
      return undefined;
    }
    if (/^\/(dev|proc)\//.test(target)) return undefined;
  }
  const info = link?.isSymlink ? await linkInfo(target) : link;
  if (info !== undefined && !info.isFile) return undefined;
  const { folder, name: own } = splitPath(target);
  const temporary = `${folder}/.${own}.tmp`;
  for (const name of ["read", "write"] as const) {
    const { state } = await runtime.process.permissions.query({ name, path: temporary });
    if (state !== "granted") return undefined;
  }
  const mode = info?.mode ?? undefined;
  return { target, ...(mode !== undefined && { mode: mode & 0o777 }) };
}

async function writeInPlace(
  path: string,
  write: WriteContent,
  { mode, createNew }: { mode: number | undefined; createNew: boolean },
): Promise<void> {
  const how = createNew ? { createNew } : { create: true, truncate: true };
  const options = { write: true, ...how, ...(mode !== undefined && { mode }) };
  await useFile(path, options, async (file) => {
    await write(file);
    // A device has nothing to sync.
    await file.sync().catch((error) => {
      if (codeOf(error) !== "EINVAL" && codeOf(error) !== "EROFS") throw error;
    });
  });
}

/** Gives a file its name unless another file has it. */
async function linkNew(temporary: string, path: string): Promise<void> {
  await runtime.files.link(temporary, path);
  await runtime.files.remove(temporary);
}

/**
 * Describes a path without following links; `undefined` if it does not exist or may not be read.
 */
async function linkInfo(path: string): Promise<Deno.FileInfo | undefined> {
  if ((await runtime.process.permissions.query({ name: "read", path })).state !== "granted") {
    return undefined;
  }
  return await runtime.files.lstat(path).catch(() => undefined);
}
