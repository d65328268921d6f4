/**
 * What checkpoints need of a key-value store.
 *
 * @module
 */

/** Where a value is. */
export type KvKey = readonly (string | number)[];

/** A value as it was found; without it, both are `null`. */
export interface KvEntry {
  /** The value. */
  readonly value: unknown;
  /** Another one with each change. */
  readonly versionstamp: string | null;
}

/** Changes that are made together, or not at all. */
export interface KvCommit {
  /** Makes the changes only if this key has still that version. */
  check(check: { key: KvKey; versionstamp: string | null }): KvCommit;
  /** Writes a value. */
  set(key: KvKey, value: unknown): KvCommit;
  /** Removes a value. */
  delete(key: KvKey): KvCommit;
  /** Makes the changes, and tells whether the checks held. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** What {@linkcode KvCheckpointStore} needs of a key-value store. `Deno.Kv` satisfies it. */
export interface CheckpointKv {
  /** Reads a value. */
  get(key: KvKey): Promise<KvEntry>;
  /** Reads all below a prefix, in the order of their keys, or in reverse. */
  list(
    selector: { prefix: KvKey },
    options?: { batchSize?: number; reverse?: boolean },
  ): AsyncIterable<KvEntry & { readonly key: readonly unknown[] }>;
  /** Begins changes that are made together. */
  atomic(): KvCommit;
}
