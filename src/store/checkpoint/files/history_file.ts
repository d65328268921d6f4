import { runtime } from "../../../base/runtime/runtime.ts";
import { concat } from "../../../base/bytes.ts";
import { syncFolder } from "../../../base/files/folder.ts";
import { splitPath } from "../../../base/files/path.ts";
import { publishFile, writeBytes } from "../../../base/files/whole_file.ts";
import type { Descriptors } from "./descriptors.ts";
import {
  extended,
  type HistoryMark,
  lineOf,
  linesIn,
  NO_HISTORY,
  parseHistory,
} from "../history.ts";
import { readAll } from "../../safetensors/file.ts";

/** Permissions for the owner alone, as of a checkpoint. */
const MODE = 0o600;

/** History of a run in a file, with a line of JSON for each round. A write appends what is new. */
export class HistoryFile {
  readonly #path: string;
  readonly #descriptors: Descriptors;
  /** Mark and last entry of what this process has written. */
  #known: { readonly mark: HistoryMark; readonly last: unknown } | undefined;
  /** Write in progress. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(path: string, descriptors: Descriptors) {
    this.#path = path;
    this.#descriptors = descriptors;
  }

  /**
   * Makes the file hold these entries, and syncs it to the disk. Where this process has written the
   * last line, of the same object as the entry in its place, further lines are appended. Otherwise
   * the part that the file has in common with the entries is written anew.
   */
  async write(entries: readonly unknown[]): Promise<HistoryMark> {
    const writing = this.#writing.then(() => this.#write(entries));
    this.#writing = writing.catch(() => {});
    return await writing;
  }

  /** Reads the entries up to a mark. Rejects with a `SyntaxError` when the file lacks them. */
  async read(mark: HistoryMark): Promise<unknown[]> {
    if (mark.rounds === 0) return [];
    const size = await this.#size();
    if (size === undefined) {
      throw new SyntaxError(`expected the run's history in ${this.#path}, got no such file`);
    }
    if (size < mark.bytes) {
      throw new SyntaxError(
        `expected ${mark.bytes} bytes of history in ${this.#path}, got ${size}`,
      );
    }
    return await parseHistory(await this.#bytes(mark.bytes), mark);
  }

  async #write(entries: readonly unknown[]): Promise<HistoryMark> {
    const size = await this.#size();
    const known = this.#known;
    this.#known = undefined;
    const isGrown = known !== undefined && known.mark.bytes <= (size ?? 0) &&
      known.mark.rounds <= entries.length &&
      (known.mark.rounds === 0 || entries[known.mark.rounds - 1] === known.last);
    const from = isGrown ? known.mark : await this.#commonPart(entries, size ?? 0);
    const lines = entries.slice(from.rounds).map(lineOf);
    const mark = await extended(from, lines);
    if (isGrown) await this.#append(from.bytes, size ?? 0, lines);
    else await this.#writeAnew([await this.#bytes(from.bytes), ...lines]);
    this.#known = { mark, last: entries.at(-1) };
    return mark;
  }

  /** Writes lines after those that this process has written and synced. */
  async #append(
    at: number,
    size: number,
    lines: readonly Uint8Array<ArrayBuffer>[],
  ): Promise<void> {
    if (size === at && lines.length === 0) return;
    await this.#descriptors.use(this.#path, { write: true }, async (file) => {
      if (size > at) await file.truncate(at);
      await file.seek(at, runtime.files.SeekMode.Start);
      await writeBytes(file, concat(lines));
      await file.sync();
    });
  }

  /**
   * Writes another file in place of the one that is there. What was in that may not be on the disk
   * though it can be read: a sync that follows one that has failed keeps nothing (Rebello et al.
   * 2020, "Can Applications Recover from fsync Failures?"), also for another process.
   */
  async #writeAnew(pieces: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    const { use } = this.#descriptors;
    await publishFile(this.#path, (file) => writeBytes(file, concat(pieces)), { mode: MODE, use });
    await syncFolder(splitPath(this.#path).folder, use);
  }

  /** Compares the file with the entries, line by line. */
  async #commonPart(entries: readonly unknown[], size: number): Promise<HistoryMark> {
    const there = size === 0 ? [] : linesIn(await this.#bytes(size));
    let count = 0;
    const text = new TextDecoder();
    for (const [i, line] of there.entries()) {
      // Comparing texts is much faster than comparing bytes.
      if (i >= entries.length || text.decode(line) !== `${JSON.stringify(entries[i])}\n`) break;
      count++;
    }
    return await extended(NO_HISTORY, there.slice(0, count));
  }

  async #bytes(length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length === 0) return new Uint8Array();
    const bytes = new Uint8Array(length);
    await this.#descriptors.use(this.#path, { read: true }, (file) => readAll(file, bytes));
    return bytes;
  }

  /** Size of the file, `undefined` where there is none. Rejects for anything but a regular file. */
  async #size(): Promise<number | undefined> {
    try {
      const { isFile, isSymlink, size } = await runtime.files.lstat(this.#path);
      if (isFile) return size;
      const got = isSymlink ? "a link" : "something else";
      throw new SyntaxError(`expected ${this.#path} to be a regular file, got ${got}`);
    } catch (error) {
      if (error instanceof runtime.errors.NotFound) return undefined;
      throw error;
    }
  }
}
