import { OvertakenError } from "../../../base/errors.ts";
import type { KvCommit, KvKey } from "./checkpoint_kv.ts";
import { BATCH_CHUNKS } from "./chunks.ts";
import { chunkCount } from "./entries.ts";
import type { ReadableKv } from "./readable_kv.ts";

/** Most deletions in a commit: Deno KV takes 1000 changes. */
const BATCH_DELETES = 500;

/** Makes the key of a run's value. */
export type KeyOf = (...parts: KvKey) => KvKey;

/** Chunks that are being written. */
export interface PendingChunks {
  /** Key of the mark that they belong to no checkpoint yet. */
  readonly mark: KvKey;
  /** Begins a commit that fails once the mark is gone. */
  begin(): KvCommit;
  /** Writes chunks, the first of them at index `first`. */
  put(pieces: readonly Uint8Array[], first: number): Promise<void>;
}

/**
 * Chunks that belong to no checkpoint yet, or no longer. They are marked below the key `loose`, so
 * that those a stopped process has left behind are found and removed.
 */
export class LooseChunks {
  readonly #kv: ReadableKv;
  readonly #keyOf: KeyOf;

  constructor(kv: ReadableKv, keyOf: KeyOf) {
    this.#kv = kv;
    this.#keyOf = keyOf;
  }

  /** Key of the mark for the chunks of an id. */
  markOf(id: string): KvKey {
    return this.#keyOf("loose", id);
  }

  /** Marks the chunks of an id before they are written. */
  async begin(id: string, chunks: number): Promise<PendingChunks> {
    const mark = this.markOf(id);
    const { versionstamp = null } = await this.#kv.atomic().set(mark, { chunks }).commit();
    // Chunks without the mark would never be found again: no commit goes through once it is gone.
    const begin = () => this.#kv.atomic().check({ key: mark, versionstamp });
    const put = async (pieces: readonly Uint8Array[], first: number) => {
      for (let i = 0; i < pieces.length; i += BATCH_CHUNKS) {
        const commit = begin();
        for (const [j, piece] of pieces.slice(i, i + BATCH_CHUNKS).entries()) {
          commit.set(this.#keyOf("chunk", id, first + i + j), piece);
        }
        await finish(commit);
      }
    };
    return { mark, begin, put };
  }

  /** Deletes an entry and marks its chunks as loose, unless the entry has changed. */
  async release(
    entry: { readonly key: KvKey; readonly versionstamp: string | null },
    id: string,
    chunks: number,
  ): Promise<void> {
    await this.#kv.atomic().check(entry).delete(entry.key).set(this.markOf(id), { chunks })
      .commit();
  }

  /** Removes all loose chunks. */
  async sweep(): Promise<void> {
    for await (
      const { key, value, versionstamp } of this.#kv.list({ prefix: this.#keyOf("loose") })
    ) {
      const id = key.at(-1);
      const chunks = chunkCount(value);
      if (typeof id !== "string" || chunks === undefined) continue;
      const mark = this.markOf(id);
      // The version changes, so that a writer that is still alive adds nothing more.
      const held = await this.#kv.atomic().check({ key: mark, versionstamp }).set(mark, value)
        .commit();
      if (!held.ok) continue;
      for (let i = 0; i < chunks; i += BATCH_DELETES) {
        const commit = this.#kv.atomic();
        const end = Math.min(i + BATCH_DELETES, chunks);
        for (let j = i; j < end; j++) commit.delete(this.#keyOf("chunk", id, j));
        await commit.commit();
      }
      await this.#kv.atomic().delete(mark).commit();
    }
  }
}

/** Commits, and throws an `OvertakenError` when a check fails. */
export async function finish(commit: KvCommit): Promise<void> {
  if (!(await commit.commit()).ok) throw overtaken();
}

/** Makes the error for a run that another process has taken over. */
export function overtaken(): OvertakenError {
  return new OvertakenError("another server goes on with this run");
}
