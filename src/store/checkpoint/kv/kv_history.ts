import { concat } from "../../../base/bytes.ts";
import { extended, type HistoryMark, lineOf, NO_HISTORY, parseHistory } from "../history.ts";
import { ChunkSource, cut } from "./chunks.ts";
import type { HistoryEntry } from "./entries.ts";
import { readAll } from "../../safetensors/file.ts";
import type { CheckpointKv, KvKey } from "./checkpoint_kv.ts";

/**
 * As many chunks go into the commit that makes a checkpoint; where there are more, the history is
 * written anew before it.
 */
const MOST_ADDED = 6;

/** What is to be written of a history. */
export interface HistoryPart {
  readonly mark: HistoryMark;
  readonly entry: HistoryEntry;
  /** The chunks that are new, and the number of those before them. */
  readonly added: readonly Uint8Array<ArrayBuffer>[];
  readonly first: number;
  /** Whether nothing of it was there before. */
  readonly isNew: boolean;
}

/**
 * A run's history among the chunks of a key-value store: below an id of its own, as lines of JSON.
 * Each save adds chunks; a process that does not know the last of them begins another id with the
 * whole of it.
 */
export class KvHistory {
  readonly #kv: CheckpointKv;
  readonly #keyOf: (id: string) => KvKey;
  #known: (HistoryEntry & { readonly mark: HistoryMark; readonly last: unknown }) | undefined;

  /** The history of a store that gives the prefix of an id's chunks. */
  constructor(kv: CheckpointKv, keyOf: (id: string) => KvKey) {
    this.#kv = kv;
    this.#keyOf = keyOf;
  }

  /** What has to be written for the store to hold these entries. */
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
    const entry = { id: crypto.randomUUID(), chunks: part.added.length };
    return { ...part, entry, first: 0, isNew: true };
  }

  /** The part was written: later ones follow it. */
  written({ entry, mark }: HistoryPart, entries: readonly unknown[]): void {
    this.#known = { ...entry, mark, last: entries.at(-1) };
  }

  /** Whether it is small enough for the commit that makes the checkpoint. */
  static fits({ added }: HistoryPart): boolean {
    return added.length <= MOST_ADDED;
  }

  /**
   * The entries up to a mark; `isLast` says that no chunks follow those. Rejects with a
   * `SyntaxError` where they are not there, and with the store's own error.
   */
  async read({ id, chunks }: HistoryEntry, mark: HistoryMark, isLast: boolean): Promise<unknown[]> {
    const source = new ChunkSource(this.#kv, this.#keyOf(id), mark.bytes);
    const bytes = new Uint8Array(mark.bytes);
    try {
      await readAll(source, bytes);
    } catch (error) {
      if (source.fault !== undefined) throw new KvFault(source.fault);
      throw error;
    }
    const entries = await parseHistory(bytes, mark);
    this.#known = isLast ? { id, chunks, mark, last: entries.at(-1) } : undefined;
    return entries;
  }
}

/** The store itself has failed. */
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
