/**
 * The list of the clients that may join.
 *
 * @module
 */

import { unreadable } from "./key_pair.ts";

/**
 * Reads the public keys that may join: one a line, in base64url, with a name after it if wanted. Lines that begin with `#` and empty ones do not
 * count. Gives each key's name, which is empty when there is none.
 *
 * Rejects with a `SyntaxError` that names file and line for what is no key or stands twice, with a `RangeError` for a list without a key, and
 * with an `Error` for a file that cannot be read.
 *
 * @example Who may join a server
 * ```ts
 * import { type Gatekeeper, generateKeyPair, readAllowedKeys } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const { publicKey } = await generateKeyPair();
 * await Deno.writeTextFile(path, `# clients of our run\n${publicKey} north ward\n`);
 *
 * const keys = await readAllowedKeys(path);
 * assertEquals(keys.get(publicKey), "north ward");
 * // The option of that name of a server topology.
 * const gatekeeper: Gatekeeper = { kind: "keys", allowed: keys };
 * console.log(gatekeeper.kind);
 * await Deno.remove(path);
 * ```
 */
export async function readAllowedKeys(path: string): Promise<ReadonlyMap<string, string>> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw unreadable("allowed keys", path, cause);
  }
  const names = new Map<string, string>();
  const lines = new Map<string, number>();
  for (const [index, line] of text.replace(/^\uFEFF/, "").split("\n").entries()) {
    const [key = "", ...name] = line.trim().split(/\s+/);
    if (key === "" || key.startsWith("#")) continue;
    const broken = (why: string) =>
      new SyntaxError(`Cannot read the allowed keys in ${path}: line ${index + 1}: ${why}`);
    if (!isPublicKey(key)) {
      throw broken(
        `expected a public key of 43 characters in base64url, got ${key.length} characters that are none`,
      );
    }
    const before = lines.get(key);
    if (before !== undefined) throw broken(`the key of line ${before} again`);
    lines.set(key, index + 1);
    names.set(key, name.join(" "));
  }
  if (names.size === 0) {
    throw new RangeError(`Cannot use the allowed keys in ${path}: expected at least 1, got 0`);
  }
  return names;
}

/** Whether the text is one way, and the only one, to write 32 bytes: two writings of a key would be two clients. */
function isPublicKey(text: string): boolean {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    return bytes.length === 32 &&
      bytes.toBase64({ alphabet: "base64url", omitPadding: true }) === text;
  } catch {
    return false;
  }
}
