/**
 * Files that are whole at any time: the old content, or the new one.
 *
 * @module
 */

import { runtime } from "../runtime/runtime.ts";
import { removeUnlocked, syncFolder, type UseFile, useFile } from "./folder.ts";
import { codeOf } from "./os_error.ts";
import { splitPath } from "./path.ts";

/** What a process that was killed left half written; a living writer holds a lock on its file. */
const TEMPORARY_END = /^\.[0-9a-f-]{36}\.tmp$/;

/** Where no temporary file can be made the file itself may be open to writing all the same. */
const IN_PLACE_CODES = new Set(["EACCES", "EPERM", "EROFS", "ENAMETOOLONG"]);

/** Puts content into an open file. */
export type WriteContent = (file: Deno.FsFile) => Promise<void>;

/** Options for publishing a file. */
export interface PublishOptions {
  /** Permissions of the file. Default: the system's. */
  readonly mode?: number | undefined;
  /** Opens it. */
  readonly use?: UseFile;
  /** Gives the file its name. Default: renames it, in the place of one that has that name. */
  readonly publish?: (temporary: string, path: string) => Promise<void>;
}

/** Options of {@linkcode replaceFile}. */
export interface ReplaceOptions {
  /**
   * Permissions of a file that is new; one that is replaced keeps its own. Default: the system's.
   */
  readonly mode?: number;
  /**
   * Whether a file of that name is left alone, with a `Deno.errors.AlreadyExists`. Default false.
   */
  readonly createNew?: boolean;
}

/**
 * Writes a file under a temporary name beside it, brings it to the disk, and gives it its name:
 * whatever happens meanwhile, the file is what it was before or whole. Rejects with the system's
 * error; the temporary file is removed then.
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
      // What the process may not give to others by its umask it keeps of the file that is replaced.
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
 * Writes an output whole, as {@linkcode publishFile} does; where the path is a link, what it names
 * is replaced. Devices and pipes are written to as they are, and so is a file beside which this
 * process may make no other. Rejects with the system's error.
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

/** Writes a text as {@linkcode replaceFile} does. */
export async function replaceTextFile(
  path: string,
  text: string,
  options?: ReplaceOptions,
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await replaceFile(path, (file) => writeBytes(file, bytes), options);
}

/** Writes bytes where an open file stands. */
export async function writeBytes(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Rejects with an `Error` for a path that is a link, where that can be seen. */
export async function refuseLink(path: string, expected = "a regular file"): Promise<void> {
  if (!(await linkInfo(path))?.isSymlink) return;
  throw new Error(`Cannot use ${path}: expected ${expected}, got a link`);
}

/**
 * The file that is to be replaced, and its permissions; nothing where the path has to be written as
 * it is.
 */
async function placeOf(path: string): Promise<{ target: string; mode?: number } | undefined> {
  // What stands there names what is open already.
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
    // A device has nothing to be brought anywhere.
    await file.sync().catch((error) => {
      if (codeOf(error) !== "EINVAL" && codeOf(error) !== "EROFS") throw error;
    });
  });
}

/** Gives a file its name where nothing has it yet. */
async function linkNew(temporary: string, path: string): Promise<void> {
  await runtime.files.link(temporary, path);
  await runtime.files.remove(temporary);
}

/** What a path is, links not followed; nothing where there is nothing or that may not be seen. */
async function linkInfo(path: string): Promise<Deno.FileInfo | undefined> {
  if ((await runtime.process.permissions.query({ name: "read", path })).state !== "granted") {
    return undefined;
  }
  return await runtime.files.lstat(path).catch(() => undefined);
}
