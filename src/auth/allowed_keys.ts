/**
 * Public keys of the clients that may join.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { parseKeyList } from "./key_lines.ts";
import { unreadable } from "./key_files.ts";

/** Entry of a list for one key. */
export interface AllowedKey {
  /** Name of the client; empty when it has none. */
  readonly name: string;
  /** Only rank that the key may have; any rank when absent. */
  readonly rank?: number;
  /** Time at which the key expires, in milliseconds since 1970; never when absent. */
  readonly expires?: number;
}

/**
 * Public keys that may join, 32 bytes each in base64url: a `Set`, a `Map` from keys to names, or a
 * {@linkcode KeyList}.
 */
export interface AllowedKeys {
  /** Returns true if the key is one of them. */
  has(publicKey: string): boolean;
  /** Gives the name of a key, or its whole entry. */
  get?(publicKey: string): AllowedKey | string | undefined;
  /** Gives the only key that may have the rank. */
  holderOf?(rank: number): string | undefined;
  /**
   * Calls `listener` with each change of the list, and with the error when the list cannot be read
   * again.
   *
   * @returns Function that ends the subscription.
   */
  subscribe?(listener: (change: KeyListChange | Error) => void): () => void;
}

/** Difference between two lists: public keys and their entries. */
export interface KeyListChange {
  /** Keys that were added. */
  readonly added: ReadonlyMap<string, AllowedKey>;
  /** Keys that were removed, with their former entries. */
  readonly removed: ReadonlyMap<string, AllowedKey>;
  /** Keys whose name, rank or date has changed, with their new entries. */
  readonly changed: ReadonlyMap<string, AllowedKey>;
}

/**
 * Public keys of a file. A running server follows the list: after {@linkcode KeyList.reload} it
 * ends the sessions of keys that were removed.
 *
 * @example Removing a key
 * ```ts
 * import { readAllowedKeys } from "@fedlab/core";
 * import { generateKeyPair } from "@fedlab/core/auth";
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
  /** Path of the file. */
  readonly path: string;
  #keys: ReadonlyMap<string, AllowedKey>;
  /** Keys by the rank that is reserved for them. */
  #holders: ReadonlyMap<number, string>;
  readonly #listeners = new Set<(change: KeyListChange | Error) => void>();
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(path: string, keys: ReadonlyMap<string, AllowedKey>) {
    this.path = path;
    this.#keys = keys;
    this.#holders = holdersOf(keys);
  }

  /** Reads a file as {@linkcode readAllowedKeys} does. */
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

  /** Gives the entry of a key. */
  get(publicKey: string): AllowedKey | undefined {
    return this.#keys.get(publicKey);
  }

  /** Gives the only key that may have the rank. */
  holderOf(rank: number): string | undefined {
    return this.#holders.get(rank);
  }

  /** Iterates over keys and their entries, in the order of the file. */
  [Symbol.iterator](): MapIterator<[string, AllowedKey]> {
    return this.#keys.entries();
  }

  /**
   * Reads the file again and gives the changes. The list stays as it was when the file cannot be
   * read; errors are those of {@linkcode readAllowedKeys}.
   */
  async reload(): Promise<KeyListChange> {
    // Of two calls at once, the later one must decide.
    const reading = this.#reading.then(() => this.#reload());
    this.#reading = reading.catch(() => {});
    return await reading;
  }

  /**
   * Calls `listener` after each {@linkcode reload}, with the changes or with the error.
   *
   * @returns Function that ends the subscription.
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
      if (error instanceof Error) this.#notify(error);
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
    this.#notify(change);
    return change;
  }

  #notify(change: KeyListChange | Error): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function holdersOf(keys: ReadonlyMap<string, AllowedKey>): ReadonlyMap<number, string> {
  return new Map([...keys].flatMap(([key, { rank }]) => rank === undefined ? [] : [[rank, key]]));
}

async function readKeys(path: string): Promise<ReadonlyMap<string, AllowedKey>> {
  let text: string;
  try {
    text = await runtime.files.readTextFile(path);
  } catch (cause) {
    throw unreadable("allowed keys", path, cause);
  }
  return parseKeyList(text, path);
}

/**
 * Reads the public keys that may join from a file with one key per line.
 *
 * A line has a key in base64url and, optionally, a name, `rank=3` for the only rank that the key
 * may have, and `expires=2027-01-31` for the last day (UTC) on which the key is valid, or
 * `expires=2027-01-31T18:00:00Z` for the time from which it is not. Empty lines and lines that
 * begin with `#` are skipped.
 *
 * @throws {SyntaxError} If a line has no valid key, a key of small order, a key or a rank that
 * another line has too, or an unknown option. The message names file and line.
 * @throws {RangeError} If the file has no key.
 * @throws {Error} If the file cannot be read.
 *
 * @example Keys of a server
 * ```ts
 * import { type Gatekeeper, readAllowedKeys } from "@fedlab/core";
 * import { generateKeyPair } from "@fedlab/core/auth";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const { publicKey } = await generateKeyPair();
 * await Deno.writeTextFile(path, `# clients of our run\n${publicKey} north ward rank=2\n`);
 *
 * const keys = await readAllowedKeys(path);
 * assertEquals(keys.get(publicKey), { name: "north ward", rank: 2 });
 * // The option `gatekeeper` of a server topology.
 * const gatekeeper: Gatekeeper = { kind: "keys", allowed: keys };
 * console.log(gatekeeper.kind);
 * await Deno.remove(path);
 * ```
 */
export async function readAllowedKeys(path: string): Promise<KeyList> {
  return await KeyList.read(path);
}

/** Gives the entry of a key, with an empty name where the list has no entries. */
export function entryOf(allowed: AllowedKeys, publicKey: string): AllowedKey {
  const entry = allowed.get?.(publicKey);
  return typeof entry === "object" ? entry : { name: entry ?? "" };
}

/**
 * Gives the reason for which a key may not join, or `undefined` when it may.
 *
 * @param now Time, in milliseconds since 1970.
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
