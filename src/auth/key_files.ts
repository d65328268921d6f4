const OTHERS_MAY = 0o077;

/**
 * What is to be said of a secret file that others than its owner may use; `undefined` when there is
 * nothing. Rejects when there is no such file.
 */
export async function openToOthers(what: string, path: string): Promise<string | undefined> {
  const { mode } = await Deno.stat(path);
  if (mode === null || (mode & OTHERS_MAY) === 0) return undefined;
  const shown = (mode & 0o777).toString(8).padStart(4, "0");
  return `The ${what} ${path} may be read by others (mode ${shown}): run chmod 600 ${path}`;
}
