import { concat } from "../../../base/bytes.ts";
import { syncFolder } from "../../../base/files/folder.ts";
import { splitPath } from "../../../base/files/path.ts";
import { writeBytes } from "../../../base/files/whole_file.ts";
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

/** For its owner's eyes, as a checkpoint. */
const MODE = 0o600;

/**
 * A run's history in a file of its own, a line of JSON a round. It grows by what is new, whatever
 * is there already.
 */
export class HistoryFile {
  readonly #path: string;
  readonly #descriptors: Descriptors;
  /** What this process knows the file to hold, and the entry of its last line. */
  #known: { readonly mark: HistoryMark; readonly last: unknown } | undefined;
  /** The write that is under way. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string, descriptors: Descriptors) {
    this.#path = path;
    this.#descriptors = descriptors;
  }

  /**
   * Has the file hold these entries, and brings them to the disk. Where its last line is known to
   * be of the same object as the entry in that place, further lines are added; otherwise what is
   * alike stays, and what follows is cut off.
   */
  async write(entries: readonly unknown[]): Promise<HistoryMark> {
    const turn = this.#turn.then(() => this.#write(entries));
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** The entries up to a mark. Rejects with a `SyntaxError` for a file that does not hold them. */
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
    const from = isGrown ? known.mark : await this.#alike(entries, size ?? 0);
    const lines = entries.slice(from.rounds).map(lineOf);
    const mark = await extended(from, lines);
    if (size !== mark.bytes || lines.length > 0) {
      const options = { write: true, create: true, mode: MODE };
      await this.#descriptors.use(this.#path, options, async (file) => {
        // What a save that failed has left, and rounds that the run goes on before.
        if ((size ?? 0) > from.bytes) await file.truncate(from.bytes);
        await file.seek(from.bytes, Deno.SeekMode.Start);
        await writeBytes(file, concat(lines));
        await file.sync();
      });
      if (size === undefined) await syncFolder(splitPath(this.#path).folder, this.#descriptors.use);
    }
    this.#known = { mark, last: entries.at(-1) };
    return mark;
  }

  /** How far the file has the same lines as the entries. */
  async #alike(entries: readonly unknown[], size: number): Promise<HistoryMark> {
    const there = size === 0 ? [] : linesIn(await this.#bytes(size));
    let count = 0;
    const text = new TextDecoder();
    for (const [i, line] of there.entries()) {
      // Texts are compared much faster than bytes.
      if (i >= entries.length || text.decode(line) !== `${JSON.stringify(entries[i])}\n`) break;
      count++;
    }
    return await extended(NO_HISTORY, there.slice(0, count));
  }

  async #bytes(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    await this.#descriptors.use(this.#path, { read: true }, (file) => readAll(file, bytes));
    return bytes;
  }

  /**
   * The file's size; nothing where there is none. Rejects with an `Error` for what is no regular
   * file.
   */
  async #size(): Promise<number | undefined> {
    try {
      const { isFile, isSymlink, size } = await Deno.lstat(this.#path);
      if (isFile) return size;
      const got = isSymlink ? "a link" : "something else";
      throw new SyntaxError(`expected ${this.#path} to be a regular file, got ${got}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
}
