/**
 * Ledgers in files.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { syncFolder, useFile } from "../../base/files/folder.ts";
import { tryLockFile } from "../../base/files/lock.ts";
import { splitPath } from "../../base/files/path.ts";
import { isRecord } from "../../base/json.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { type LedgerContent, type LedgerStore, readLedger } from "./client_ledger.ts";

const SCHEMA = "fedlab.privacy-ledger/1";

/**
 * Ledger of a client in a file of JSON, for its owner alone to read.
 *
 * A new content is written beside the file, synced to the disk and renamed, so that the file is
 * whole whatever happens to the process. One process at a time may use a ledger: it holds a lock
 * until it is disposed of. A file that cannot be read, or that is gone or was changed while a
 * client uses it, is an error: what was spent must not be forgotten.
 */
export class LedgerFile implements LedgerStore, Disposable {
  readonly #path: string;
  #lock: Disposable | undefined;
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
      await this.#hold();
      this.#text = await textOf(this.#path);
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
    const path = this.#path, part = `${path}.part`;
    try {
      await this.#hold();
      if (await textOf(path) !== this.#text) {
        throw new Error(
          `expected the file as this client has left it, got ${
            this.#text === undefined ? "one that another process has made" : "another one, or none"
          }`,
        );
      }
      const text = `${JSON.stringify({ schema: SCHEMA, ...content }, null, 2)}\n`;
      await useFile(
        part,
        { write: true, create: true, truncate: true, mode: 0o600 },
        async (file) => {
          const bytes = new TextEncoder().encode(text);
          for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
          await file.sync();
        },
      );
      await runtime.files.rename(part, path);
      await syncFolder(splitPath(path).folder);
      this.#text = text;
    } catch (cause) {
      throw new Error(
        `Cannot write the privacy ledger ${path}: ${errorMessage(cause)}`,
        { cause },
      );
    }
  }

  /** Releases the lock. */
  [Symbol.dispose](): void {
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  async #hold(): Promise<void> {
    this.#lock ??= await tryLockFile(`${this.#path}.lock`);
    if (this.#lock === undefined) throw new Error("another client uses it");
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
