/**
 * The list of the clients that may join.
 *
 * @module
 */

import { parseKeyList } from "./key_lines.ts";
import { unreadable } from "./key_pair.ts";

/** What a list says of a key. */
export interface AllowedKey {
  /** The client's name; empty when there is none. */
  readonly name: string;
  /** The only rank that the key may have; any when absent. */
  readonly rank?: number;
  /** When it ceases to be good, in milliseconds since 1970; never when absent. */
  readonly expires?: number;
}

/**
 * Public keys, 32 bytes each in base64url, that may join: a `Set`, a `Map` from keys to names, or a
 * {@linkcode KeyList}.
 */
export interface AllowedKeys {
  /** Whether the key is one of them. */
  has(publicKey: string): boolean;
  /** The key's name, or all that is said of it. */
  get?(publicKey: string): AllowedKey | string | undefined;
  /** The key that alone may have the rank. */
  holderOf?(rank: number): string | undefined;
  /**
   * Calls back when the list has changed, or was to be read again and could not be; gives what ends
   * that.
   */
  subscribe?(listener: (change: KeyListChange | Error) => void): () => void;
}

/** The difference between two lists: public keys, and what is or was said of them. */
export interface KeyListChange {
  /** Keys that may join since. */
  readonly added: ReadonlyMap<string, AllowedKey>;
  /** Keys that may not join any more. */
  readonly removed: ReadonlyMap<string, AllowedKey>;
  /** Keys whose name, rank or date is another, with the new one. */
  readonly changed: ReadonlyMap<string, AllowedKey>;
}

/**
 * The public keys of a file. A server that runs follows it: after {@linkcode KeyList.reload} it
 * ends the sessions of keys that are not in it any more.
 *
 * @example A key that is struck off
 * ```ts
 * import { generateKeyPair, readAllowedKeys } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const [one, two] = [await generateKeyPair(), await generateKeyPair()];
 * await Deno.writeTextFile(path, `${one.publicKey} north ward\n${two.publicKey} south ward\n`);
 * const keys = await readAllowedKeys(path);
 *
 * await Deno.writeTextFile(path, `${one.publicKey} north ward\n`);
 * const { removed } = await keys.reload();
 * assertEquals([...removed], [[two.publicKey, { name: "south ward" }]]);
 * assertEquals(keys.has(two.publicKey), false);
 * await Deno.remove(path);
 * ```
 */
export class KeyList implements AllowedKeys {
  /** The file. */
  readonly path: string;
  #keys: ReadonlyMap<string, AllowedKey>;
  /** Keys by the rank that is theirs. */
  #holders: ReadonlyMap<number, string>;
  readonly #listeners = new Set<(change: KeyListChange | Error) => void>();
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(path: string, keys: ReadonlyMap<string, AllowedKey>) {
    this.path = path;
    this.#keys = keys;
    this.#holders = holdersOf(keys);
  }

  /** Reads a file, as {@linkcode readAllowedKeys} does. */
  static async read(path: string): Promise<KeyList> {
    return new KeyList(path, await readKeys(path));
  }

  /** Number of keys. */
  get size(): number {
    return this.#keys.size;
  }

  /** Returns true if the key is in the list, expired or not. */
  has(publicKey: string): boolean {
    return this.#keys.has(publicKey);
  }

  /** What the list says of the key. */
  get(publicKey: string): AllowedKey | undefined {
    return this.#keys.get(publicKey);
  }

  /** The key that alone may have the rank. */
  holderOf(rank: number): string | undefined {
    return this.#holders.get(rank);
  }

  /** Keys and what is said of them, in the file's order. */
  [Symbol.iterator](): MapIterator<[string, AllowedKey]> {
    return this.#keys.entries();
  }

  /**
   * Reads the file again, and gives what has changed. Rejects as {@linkcode readAllowedKeys} does;
   * the list then stays as it was.
   */
  async reload(): Promise<KeyListChange> {
    // Two calls at once must not end with what the earlier one has read.
    const reading = this.#reading.then(() => this.#reload());
    this.#reading = reading.catch(() => {});
    return await reading;
  }

  /**
   * Calls back after each {@linkcode reload}, with the error of one that failed; gives what ends
   * that.
   */
  subscribe(listener: (change: KeyListChange | Error) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #reload(): Promise<KeyListChange> {
    let keys: ReadonlyMap<string, AllowedKey>;
    try {
      keys = await readKeys(this.path);
    } catch (error) {
      if (error instanceof Error) this.#tell(error);
      throw error;
    }
    const before = this.#keys;
    this.#keys = keys;
    this.#holders = holdersOf(keys);
    const differs = (key: string) =>
      JSON.stringify(before.get(key)) !== JSON.stringify(keys.get(key));
    const change: KeyListChange = {
      added: new Map([...keys].filter(([key]) => !before.has(key))),
      removed: new Map([...before].filter(([key]) => !keys.has(key))),
      changed: new Map([...keys].filter(([key]) => before.has(key) && differs(key))),
    };
    this.#tell(change);
    return change;
  }

  #tell(change: KeyListChange | Error): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function holdersOf(keys: ReadonlyMap<string, AllowedKey>): ReadonlyMap<number, string> {
  return new Map([...keys].flatMap(([key, { rank }]) => rank === undefined ? [] : [[rank, key]]));
}

async function readKeys(path: string): Promise<ReadonlyMap<string, AllowedKey>> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw unreadable("allowed keys", path, cause);
  }
  return parseKeyList(text, path);
}

/**
 * Reads the public keys that may join: one a line, in base64url, then what is wanted of a name,
 * `rank=3` for the only rank that the key may have, and `expires=2027-01-31` for the last day (UTC)
 * on which it is good, or `expires=2027-01-31T18:00:00Z` for the moment from which it is not. Lines
 * that begin with `#` and empty ones do not count.
 *
 * Rejects with a `SyntaxError` that names file and line for what is no key, a key of small order, a
 * key or a rank that stands twice, and for an unknown option; with a `RangeError` for a list
 * without a key, and with an `Error` for a file that cannot be read.
 *
 * @example Who may join a server
 * ```ts
 * import { type Gatekeeper, generateKeyPair, readAllowedKeys } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const { publicKey } = await generateKeyPair();
 * await Deno.writeTextFile(path, `# clients of our run\n${publicKey} north ward rank=2\n`);
 *
 * const keys = await readAllowedKeys(path);
 * assertEquals(keys.get(publicKey), { name: "north ward", rank: 2 });
 * // The option of that name of a server topology.
 * const gatekeeper: Gatekeeper = { kind: "keys", allowed: keys };
 * console.log(gatekeeper.kind);
 * await Deno.remove(path);
 * ```
 */
export async function readAllowedKeys(path: string): Promise<KeyList> {
  return await KeyList.read(path);
}

/** What is known of a key besides that it may join. */
export function entryOf(allowed: AllowedKeys, publicKey: string): AllowedKey {
  const entry = allowed.get?.(publicKey);
  return typeof entry === "object" ? entry : { name: entry ?? "" };
}

/**
 * Why a key may not join, or not any more, at that time in milliseconds since 1970; `undefined`
 * when it may.
 */
export function whyNotAllowed(
  allowed: AllowedKeys,
  publicKey: string,
  now: number,
): string | undefined {
  if (!allowed.has(publicKey)) {
    return `the key ${
      JSON.stringify(publicKey.slice(0, 43))
    } is not among those that the server allows`;
  }
  const { expires = Infinity } = entryOf(allowed, publicKey);
  if (now < expires) return undefined;
  return `the key ${publicKey} has expired on ${new Date(expires).toISOString()}`;
}
