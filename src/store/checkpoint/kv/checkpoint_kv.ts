/**
 * Part of a key-value store's interface that checkpoints use.
 *
 * @module
 */

/** Key of a value. */
export type KvKey = readonly (string | number)[];

/** Value and version of a key; both are `null` where there is no value. */
export interface KvEntry {
  /** Value of the key. */
  readonly value: unknown;
  /** Version of the value, which each change replaces. */
  readonly versionstamp: string | null;
}

/** Atomic operation: either all of its changes are made, or none. */
export interface KvCommit {
  /** Makes the operation depend on the version of a key. */
  check(check: { key: KvKey; versionstamp: string | null }): KvCommit;
  /** Writes a value. */
  set(key: KvKey, value: unknown): KvCommit;
  /** Removes a value. */
  delete(key: KvKey): KvCommit;
  /** Makes the changes; `ok` is false when a check failed. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** Key-value store for {@linkcode KvCheckpointStore}, such as `Deno.Kv`. */
export interface CheckpointKv {
  /** Reads a value. */
  get(key: KvKey): Promise<KvEntry>;
  /** Reads all values below a prefix, in the order of their keys or in reverse. */
  list(
    selector: { prefix: KvKey },
    options?: { batchSize?: number; reverse?: boolean },
  ): AsyncIterable<KvEntry & { readonly key: readonly unknown[] }>;
  /** Begins an atomic operation. */
  atomic(): KvCommit;
}
