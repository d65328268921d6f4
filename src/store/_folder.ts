/** The names of a folder's files that have a form, in order; none where there is no folder. */
export async function namesIn(folder: string, form: RegExp): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && form.test(name)) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

/** Removes the files of that form on which no living process holds a lock; one that cannot be removed is left. */
export async function removeUnlocked(folder: string, form: RegExp): Promise<void> {
  for (const name of await namesIn(folder, form)) {
    const path = `${folder}/${name}`;
    try {
      using file = await Deno.open(path, { read: true, write: true });
      if (await file.tryLock(true)) await Deno.remove(path);
    } catch { /* another time, then */ }
  }
}

/** Brings a folder's entries to the disk, where the system lets a folder be opened. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch { /* the files' own bytes are on the disk in any case */ }
}

/** Whether it failed because this process may not do it. */
export function isDenied(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
}
