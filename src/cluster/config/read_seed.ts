import { openToOthers, unreadable } from "../../auth/key_files.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { nkeys } from "../deps.ts";

/**
 * Reads the seed of a user, `"SU…"`.
 *
 * @param onWarning Called with a line when others than its owner may read the file.
 * @throws {Error} If the file cannot be read or holds another text, which the message does not
 * show.
 */
export async function readSeed(path: string, onWarning: (line: string) => void): Promise<string> {
  let seed: string;
  try {
    seed = (await runtime.files.readTextFile(path)).trim();
  } catch (error) {
    throw unreadable("key", path, error);
  }
  try {
    if (!seed.startsWith("SU")) throw new Error("expected the seed of a user");
    nkeys.fromSeed(new TextEncoder().encode(seed)).clear();
  } catch {
    throw new Error(`Cannot read the key in ${path}: expected the seed of a user's nkey, "SU…"`);
  }
  const warning = await openToOthers("key", path);
  if (warning !== undefined) onWarning(warning);
  return seed;
}
