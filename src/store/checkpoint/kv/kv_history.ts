import { runtime } from "../../../base/runtime/runtime.ts";
import { concat } from "../../../base/bytes.ts";
import { extended, type HistoryMark, lineOf, NO_HISTORY, parseHistory } from "../history.ts";
import { readAll } from "../../safetensors/file.ts";
import type { KvCommit } from "./checkpoint_kv.ts";
import { ChunkSource, cut } from "./chunks.ts";
import { chunkCount, type HistoryEntry } from "./entries.ts";
import { type KeyOf, type LooseChunks, overtaken } from "./loose_chunks.ts";
import type { ReadableKv } from "./readable_kv.ts";

/**
 * Most chunks that are written in the commit of a checkpoint. Where there are more, the whole
 * history is written before it, under a new id.
 */
const MOST_ADDED = 6;

/** Part of a history that is to be written. */
export interface HistoryPart {
  readonly mark: HistoryMark;
  readonly entry: HistoryEntry;
  /** New chunks. */
  readonly added: readonly Uint8Array<ArrayBuffer>[];
  /** Number of chunks before the new ones. */
  readonly first: number;
  /** True if the history has a new id. */
  readonly isNew: boolean;
}

/**
 * History of a run among the chunks of a key-value store, as lines of JSON below an id of its own.
 * A save adds chunks. A process that does not know the last of them writes the whole history under
 * a new id.
 */
export class KvHistory {
  readonly #kv: ReadableKv;
  readonly #keyOf: KeyOf;
  readonly #loose: LooseChunks;
  #known: (HistoryEntry & { readonly mark: HistoryMark; readonly last: unknown }) | undefined;

  constructor(kv: ReadableKv, keyOf: KeyOf, loose: LooseChunks) {
    this.#kv = kv;
    this.#keyOf = keyOf;
    this.#loose = loose;
  }

  /** Determines what must be written for the store to hold these entries. */
  async plan(entries: readonly unknown[]): Promise<HistoryPart> {
    const known = this.#known;
    if (
      known !== undefined && known.mark.rounds <= entries.length &&
      (known.mark.rounds === 0 || entries[known.mark.rounds - 1] === known.last)
    ) {
      const { id, chunks: first, mark } = known;
      const { added, ...part } = await partOf(entries.slice(known.mark.rounds), mark);
      const entry = { id, chunks: first + added.length };
      if (added.length <= MOST_ADDED) return { ...part, added, entry, first, isNew: false };
    }
    const part = await partOf(entries, NO_HISTORY);
    const entry = { id: runtime.random.randomUUID(), chunks: part.added.length };
    return { ...part, entry, first: 0, isNew: true };
  }

  /**
   * Writes a part ahead if it is too large for one commit.
   *
   * @returns Function that adds what remains to the commit of the checkpoint.
   * @throws {OvertakenError} If another process has taken over the run.
   */
  async write(part: HistoryPart): Promise<(commit: KvCommit) => void> {
    const { entry, added, first, isNew } = part;
    const row = this.#keyOf("history", entry.id);
    const keep = (commit: KvCommit) => commit.set(row, { chunks: entry.chunks });
    if (!isNew || added.length <= MOST_ADDED) {
      return (commit) => {
        keep(commit);
        added.forEach((chunk, i) => commit.set(this.#keyOf("chunk", entry.id, first + i), chunk));
      };
    }
    const { mark, put } = await this.#loose.begin(entry.id, entry.chunks);
    await put(added, 0);
    const { versionstamp } = await this.#kv.get(mark);
    if (versionstamp === null) throw overtaken();
    return (commit) => keep(commit).check({ key: mark, versionstamp }).delete(mark);
  }

  /** Notes that a part was committed, so that later parts follow it. */
  written({ entry, mark }: HistoryPart, entries: readonly unknown[]): void {
    this.#known = { ...entry, mark, last: entries.at(-1) };
  }

  /**
   * Reads the entries up to a mark.
   *
   * @throws {SyntaxError} If they are not whole.
   * @throws {KvFault} If the store cannot be read.
   */
  async read({ id, chunks }: HistoryEntry, mark: HistoryMark): Promise<unknown[]> {
    const { value } = await this.#kv.get(this.#keyOf("history", id)).catch((error) => {
      throw new KvFault(error);
    });
    const source = new ChunkSource(this.#kv, this.#keyOf("chunk", id), mark.bytes);
    const bytes = new Uint8Array(mark.bytes);
    try {
      await readAll(source, bytes);
    } catch (error) {
      if (source.fault !== undefined) throw new KvFault(source.fault);
      throw error;
    }
    const entries = await parseHistory(bytes, mark);
    // Where further chunks follow, a save cannot add to these.
    const isLast = chunkCount(value) === chunks;
    this.#known = isLast ? { id, chunks, mark, last: entries.at(-1) } : undefined;
    return entries;
  }

  /**
   * Releases the chunks of histories that no checkpoint uses.
   *
   * @param listUsed Lists the ids that are in use.
   */
  async releaseUnused(listUsed: () => Promise<ReadonlySet<string | undefined>>): Promise<void> {
    // Before the ids in use: a history that another process writes meanwhile is then not among
    // them.
    const rows = await Array.fromAsync(this.#kv.list({ prefix: this.#keyOf("history") }));
    const used = await listUsed();
    for (const { key, value, versionstamp } of rows) {
      const id = key.at(-1);
      const chunks = chunkCount(value);
      if (typeof id !== "string" || used.has(id) || chunks === undefined) continue;
      await this.#loose.release({ key: this.#keyOf("history", id), versionstamp }, id, chunks);
    }
  }
}

/** Failure of the store itself, in contrast to a broken value. */
export class KvFault extends Error {
  constructor(override readonly cause: unknown) {
    super("the store cannot be read", { cause });
  }
}

async function partOf(
  entries: readonly unknown[],
  from: HistoryMark,
): Promise<Pick<HistoryPart, "mark" | "added">> {
  const lines = entries.map(lineOf);
  return { mark: await extended(from, lines), added: cut(concat(lines)) };
}
