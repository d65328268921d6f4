/** Opens a file for as long as it is used, as `Deno.open` does. */
export type UseFile = <Result>(
  path: string,
  options: Deno.OpenOptions,
  use: (file: Deno.FsFile) => Promise<Result>,
) => Promise<Result>;

/** Opens a file for as long as it is used. */
export const useFile: UseFile = async (path, options, use) => {
  using file = await Deno.open(path, options);
  return await use(file);
};

/** Which names of a folder are meant. */
export interface NameForm {
  test(name: string): boolean;
}

/** The names of a folder's files that have a form, in order; none where there is no folder. */
export async function namesIn(
  folder: string,
  form: NameForm,
  read: (folder: string) => Promise<Iterable<Deno.DirEntry>> = readFolder,
): Promise<string[]> {
  try {
    return [...await read(folder)].filter(({ name, isFile }) => isFile && form.test(name))
      .map(({ name }) => name).sort();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return [];
  }
}

async function readFolder(folder: string): Promise<Deno.DirEntry[]> {
  return await Array.fromAsync(Deno.readDir(folder));
}

/** Removes the files of that form on which no living process holds a lock; one that cannot be removed is left. */
export async function removeUnlocked(
  folder: string,
  form: NameForm,
  names: (folder: string, form: NameForm) => Promise<string[]> = namesIn,
): Promise<void> {
  for (const name of await names(folder, form)) {
    const path = `${folder}/${name}`;
    try {
      using file = await Deno.open(path, { read: true, write: true });
      if (await file.tryLock(true)) await Deno.remove(path);
    } catch { /* another time, then */ }
  }
}

/** Brings a folder's entries to the disk, where the system lets a folder be opened. */
export async function syncFolder(folder: string, use: UseFile = useFile): Promise<void> {
  try {
    await use(folder, { read: true }, (handle) => handle.sync());
  } catch { /* the files' own bytes are on the disk in any case */ }
}

/** Whether it failed because this process may not do it. */
export function isDenied(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
}
