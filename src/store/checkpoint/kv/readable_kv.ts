import { errorMessage } from "../../../base/errors.ts";
import type { CheckpointKv, KvCommit, KvEntry, KvKey } from "./checkpoint_kv.ts";

type Row = KvEntry & { readonly key: readonly unknown[] };

/**
 * Key-value store that skips values that cannot be decoded: one of them would fail every read of
 * the values beside it. When nothing else can be read either, the store itself has failed, and so
 * does the operation.
 */
export class ReadableKv implements CheckpointKv {
  readonly #kv: CheckpointKv;
  /** Key without a value. Reading it tells a broken value from a broken store. */
  readonly #probe: KvKey;
  readonly #warn: (message: string) => void;

  constructor(kv: CheckpointKv, probe: KvKey, warn: (message: string) => void) {
    this.#kv = kv;
    this.#probe = probe;
    this.#warn = warn;
  }

  /** Reads a value. One that cannot be decoded counts as none, without a version. */
  async get(key: KvKey): Promise<KvEntry> {
    try {
      return await this.#kv.get(key);
    } catch (error) {
      await this.#skip(error, key);
      return { value: undefined, versionstamp: null };
    }
  }

  /**
   * Reads a value that is to be replaced. One that cannot be decoded has no version: it is removed.
   */
  async getToReplace(key: KvKey): Promise<KvEntry> {
    const entry = await this.get(key);
    if (entry.value === undefined) await this.#kv.atomic().delete(key).commit();
    return entry;
  }

  /**
   * Reads all values below a prefix. After a value that cannot be decoded, the rest is read from
   * the end, up to another such value.
   */
  async *list(
    selector: { prefix: KvKey },
    options: { batchSize?: number } = {},
  ): AsyncGenerator<Row> {
    const seen = new Set<string>();
    const ways = [options, { batchSize: 1 }, { batchSize: 1, reverse: true }];
    for (const [i, way] of ways.entries()) {
      const rows = this.#kv.list(selector, way)[Symbol.asyncIterator]();
      for (;;) {
        let next: IteratorResult<Row>;
        try {
          next = await rows.next();
        } catch (error) {
          if (i === 0) await this.#skip(error, selector.prefix);
          break;
        }
        if (next.done) return;
        const name = JSON.stringify(next.value.key);
        if (!seen.has(name)) yield next.value;
        seen.add(name);
      }
    }
  }

  atomic(): KvCommit {
    return this.#kv.atomic();
  }

  async #skip(error: unknown, key: KvKey): Promise<void> {
    try {
      await this.#kv.get(this.#probe);
    } catch {
      throw error;
    }
    this.#warn(
      `Cannot read a value of kv:${key.slice(1).join("/")}: ${
        errorMessage(error)
      }; passing it over`,
    );
  }
}
