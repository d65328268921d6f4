/** Root of the checkout. */
export const ROOT = await Deno.realPath(`${import.meta.dirname}/../..`);

/**
 * Reads a number of the command line.
 *
 * @returns The number; a line about the usage ends the program if it is none.
 */
export function countFrom(text: string, usage: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  console.error(usage);
  Deno.exit(2);
}

/** Makes the folder of the runs: the given one, else a new one in `runs` of the checkout. */
export async function runsFolder(name: string, given: string | undefined): Promise<string> {
  const parent = given ?? `${ROOT}/runs`;
  await Deno.mkdir(parent, { recursive: true });
  return given ?? await Deno.makeTempDir({ dir: parent, prefix: `${name}-` });
}
