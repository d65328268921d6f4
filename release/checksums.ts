/** Name of the file of checksums. */
export const SUMS = "SHA256SUMS";

/** Writes the checksums of a folder's files, in the form that `sha256sum --check` reads. */
export async function writeChecksums(folder: string): Promise<void> {
  const lines: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || name === SUMS) continue;
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${folder}/${name}`));
    lines.push(`${new Uint8Array(digest).toHex()}  ${name}\n`);
  }
  await Deno.writeTextFile(`${folder}/${SUMS}`, lines.sort(byName).join(""));
}

function byName(a: string, b: string): number {
  return a.slice(66) < b.slice(66) ? -1 : 1;
}
