/**
 * Data of sessions on a machine: in memory, in the cache folder, or fetched from the store once.
 *
 * @module
 */

import { resolve } from "node:path";
import { sha256Hex } from "../base/hash.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { isDenied } from "../base/files/folder.ts";
import { type DataStore, otherData } from "./data_store.ts";
import type { StoredData } from "./session_note.ts";

/** Store of data with a folder in front of it. */
export class CachedData {
  readonly #store: DataStore;
  readonly #folder: string | undefined;
  readonly #onNotice: (line: string) => void;

  /**
   * Makes a cache.
   *
   * @param folder Folder of the cache; `undefined` for none.
   */
  constructor(
    store: DataStore,
    folder: string | undefined,
    onNotice: (line: string) => void = () => {},
  ) {
    this.#store = store;
    this.#folder = folder;
    this.#onNotice = onNotice;
  }

  /**
   * Returns the bytes of an object.
   *
   * @throws {ClusterError} "other-data" if the store has it not, or other data than its name.
   */
  async get(data: StoredData, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const path = this.#folder && `${this.#folder}/${data.sha256}`;
    const kept = path && await this.#read(path, data);
    if (kept) return kept;
    const bytes = await this.#store.get(data, signal);
    if (path) await this.#write(path, bytes);
    return bytes;
  }

  /**
   * Returns the path of a file with the bytes of an object.
   *
   * @returns `undefined` without a folder that can be written.
   */
  async file(data: StoredData, ending: string, signal?: AbortSignal): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined;
    const path = resolve(`${this.#folder}/${data.sha256}.${ending}`);
    if (await this.#read(path, data) === undefined) {
      await this.#write(path, await this.#store.get(data, signal));
    }
    return await this.#read(path, data) && path;
  }

  async #read(path: string, data: StoredData): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      using file = await runtime.files.open(path, { read: true });
      const { size } = await file.stat();
      if (size !== data.bytes) return undefined;
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size;) at += await file.read(bytes.subarray(at)) ?? Infinity;
      if (await sha256Hex(bytes) === data.sha256) return bytes;
      this.#onNotice(`${otherData(data.sha256, `${path} has other bytes`).message}; fetching it`);
    } catch (error) {
      if (!(error instanceof runtime.errors.NotFound) && !isDenied(error)) throw error;
    }
  }

  /** Writes a file whole or not at all; without it the data are fetched again next time. */
  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const part = `${path}.${runtime.random.randomUUID()}.part`;
    try {
      await runtime.files.mkdir(this.#folder ?? ".", { recursive: true });
      {
        using file = await runtime.files.open(part, { write: true, createNew: true });
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      }
      await runtime.files.rename(part, path);
    } catch {
      await runtime.files.remove(part).catch(() => {});
    }
  }
}
