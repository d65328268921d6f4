import { runtime } from "../runtime/runtime.ts";
import { codeOf } from "./os_error.ts";
import { splitPath } from "./path.ts";

/** Opens a file while it is used, as `Deno.open` does. */
export type UseFile = <Result>(
  path: string,
  options: Deno.OpenOptions,
  use: (file: Deno.FsFile) => Promise<Result>,
) => Promise<Result>;

/** Opens a file while it is used. */
export const useFile: UseFile = async (path, options, use) => {
  using file = await runtime.files.open(path, options);
  return await use(file);
};

/** Pattern of file names. */
export interface NameForm {
  test(name: string): boolean;
}

/**
 * Returns the names of the files and links in a folder that match a pattern, sorted; none if the
 * folder does not exist.
 */
export async function entriesIn(
  folder: string,
  form: NameForm,
  read: (folder: string) => Promise<Iterable<Deno.DirEntry>> = readFolder,
): Promise<{ files: string[]; links: string[] }> {
  try {
    const entries = [...await read(folder)].filter(({ name }) => form.test(name));
    const names = (some: readonly Deno.DirEntry[]) => some.map(({ name }) => name).sort();
    return {
      files: names(entries.filter(({ isFile }) => isFile)),
      links: names(entries.filter(({ isSymlink }) => isSymlink)),
    };
  } catch (error) {
    if (!(error instanceof runtime.errors.NotFound)) throw error;
    return { files: [], links: [] };
  }
}

async function readFolder(folder: string): Promise<Deno.DirEntry[]> {
  return await Array.fromAsync(runtime.files.readDir(folder));
}

/**
 * Removes the files that match a pattern and on which no process that is alive holds a lock. A file
 * that cannot be removed is left.
 */
export async function removeUnlocked(
  folder: string,
  form: NameForm,
  entries: typeof entriesIn = entriesIn,
): Promise<void> {
  for (const name of (await entries(folder, form)).files) {
    const path = `${folder}/${name}`;
    try {
      using file = await runtime.files.open(path, { read: true, write: true });
      if (await file.tryLock(true)) await runtime.files.remove(path);
    } catch { /* another time, then */ }
  }
}

/** Returns true for a folder that can be read. */
export function isFolder(path: string): boolean {
  try {
    return runtime.files.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Codes of errors of a sync that has not done what it should. */
const NOT_SYNCED = new Set(["EIO", "ENOSPC", "EDQUOT"]);

/**
 * Syncs a folder's entries to the disk, if the system lets a folder be opened and synced. Rejects
 * with the system's error if the disk fails.
 */
export async function syncFolder(folder: string, use: UseFile = useFile): Promise<void> {
  try {
    await use(folder, { read: true }, (handle) => handle.sync());
  } catch (error) {
    if (NOT_SYNCED.has(codeOf(error) ?? "")) throw error;
  }
}

/**
 * Syncs the entries of a folder and of those above it to the disk: after a loss of power a folder
 * whose name was not synced is gone with all that was in it. Folders that this process may not read
 * are left out.
 */
export async function syncFolders(folder: string): Promise<void> {
  for (let at = folder;;) {
    // Querying first keeps Deno from prompting.
    const { state } = await runtime.process.permissions.query({ name: "read", path: at });
    if (state !== "granted") return;
    await syncFolder(at);
    const above = splitPath(at).folder;
    if (above === at) return;
    at = above;
  }
}

/** Creates a folder with those above it, and syncs its name and theirs to the disk. */
export async function makeLastingFolder(path: string): Promise<void> {
  await runtime.files.mkdir(path, { recursive: true });
  await syncFolders(splitPath(path).folder);
}

/** Returns true if an operation failed because this process lacks the permission. */
export function isDenied(error: unknown): boolean {
  return error instanceof runtime.errors.NotCapable ||
    error instanceof runtime.errors.PermissionDenied;
}
