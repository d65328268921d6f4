/**
 * Ledgers in files.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { syncFolder, syncFolders } from "../../base/files/folder.ts";
import { tryLockFile } from "../../base/files/lock.ts";
import { splitPath } from "../../base/files/path.ts";
import { publishFile, writeBytes } from "../../base/files/whole_file.ts";
import { isRecord } from "../../base/json.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { type LedgerContent, type LedgerStore, readLedger } from "./client_ledger.ts";

const SCHEMA = "fedlab.privacy-ledger/1";

/**
 * Ledger of a client in a file of JSON, for its owner alone to read.
 *
 * A new content is written beside the file, synced to the disk and renamed, so that the file is
 * whole whatever happens to the process. Where the path is a link, that is done with its target.
 * One process at a time may use a ledger: it holds a lock until it is disposed of. A file that
 * cannot be read, or that is gone or was changed while a client uses it, is an error: what was
 * spent must not be forgotten.
 */
export class LedgerFile implements LedgerStore, Disposable {
  readonly #path: string;
  #held: { readonly file: string; readonly lock: Disposable } | undefined;
  /** Text of the file as this process has read or written it last. */
  #text: string | undefined;

  /** Makes a store; the file is created when the first release is entered. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Path of the file. */
  get path(): string {
    return this.#path;
  }

  async read(): Promise<LedgerContent | undefined> {
    try {
      const file = await this.#hold();
      // The process before may have ended without that: what counts now must stay.
      await syncFolders(splitPath(file).folder);
      this.#text = await textOf(file);
      if (this.#text === undefined) return undefined;
      const value: unknown = JSON.parse(this.#text);
      const { schema, ...content } = isRecord(value) ? value : {};
      if (schema !== SCHEMA) {
        throw new TypeError(`expected the schema ${SCHEMA}, got ${JSON.stringify(schema)}`);
      }
      return readLedger(content);
    } catch (cause) {
      throw new Error(
        `Cannot read the privacy ledger ${this.#path}: ${errorMessage(cause)}`,
        { cause },
      );
    }
  }

  async write(content: LedgerContent): Promise<void> {
    try {
      const file = await this.#hold();
      if (await textOf(file) !== this.#text) {
        throw new Error(
          `expected the file as this client has left it, got ${
            this.#text === undefined ? "one that another process has made" : "another one, or none"
          }`,
        );
      }
      const text = `${JSON.stringify({ schema: SCHEMA, ...content }, null, 2)}\n`;
      const bytes = new TextEncoder().encode(text);
      await publishFile(file, (open) => writeBytes(open, bytes), { mode: 0o600 });
      await syncFolder(splitPath(file).folder);
      this.#text = text;
    } catch (cause) {
      throw new Error(
        `Cannot write the privacy ledger ${this.#path}: ${errorMessage(cause)}`,
        { cause },
      );
    }
  }

  /** Releases the lock. */
  [Symbol.dispose](): void {
    this.#held?.lock[Symbol.dispose]();
    this.#held = undefined;
  }

  /** Locks the ledger, and returns the path of its file. */
  async #hold(): Promise<string> {
    if (this.#held) return this.#held.file;
    const file = await fileOf(this.#path), lock = await tryLockFile(`${file}.lock`);
    if (lock === undefined) throw new Error("another client uses it");
    this.#held = { file, lock };
    return file;
  }
}

/** Returns the path of the file itself, where a path may be a link to it. */
async function fileOf(path: string): Promise<string> {
  const info = await runtime.files.lstat(path).catch(() => undefined);
  if (!info?.isSymlink) return path;
  try {
    return await runtime.files.realPath(path);
  } catch (cause) {
    // The ledger of a disk that is not there must not begin anew in its place.
    throw new Error("expected a file, got a link to one that is not there", { cause });
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await runtime.files.readTextFile(path);
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return undefined;
    throw error;
  }
}
