import { errorMessage } from "../../../base/errors.ts";
import type { CheckpointKv, KvCommit, KvEntry, KvKey } from "./checkpoint_kv.ts";

type Row = KvEntry & { readonly key: readonly unknown[] };

/**
 * A key-value store of which values that cannot be decoded are passed over: one such value would
 * fail each read of all those beside it. Where the store itself fails, as when nothing else can be
 * read either, it fails.
 */
export class ReadableKv implements CheckpointKv {
  readonly #kv: CheckpointKv;
  /**
   * A key below which there is nothing: that it can be read tells a broken value from a broken
   * store.
   */
  readonly #probe: KvKey;
  readonly #warn: (message: string) => void;

  constructor(kv: CheckpointKv, probe: KvKey, warn: (message: string) => void) {
    this.#kv = kv;
    this.#probe = probe;
    this.#warn = warn;
  }

  /** Reads a value; one that cannot be decoded is none, and of no version. */
  async get(key: KvKey): Promise<KvEntry> {
    try {
      return await this.#kv.get(key);
    } catch (error) {
      await this.#passOver(error, key);
      return { value: undefined, versionstamp: null };
    }
  }

  /**
   * Reads a value that is to be replaced; one that cannot be decoded is removed, since its version
   * cannot be told.
   */
  async getToReplace(key: KvKey): Promise<KvEntry> {
    const entry = await this.get(key);
    if (entry.value === undefined) await this.#kv.atomic().delete(key).commit();
    return entry;
  }

  /**
   * Reads all below a prefix; what comes after a value that cannot be decoded is read from the end,
   * up to another.
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
          if (i === 0) await this.#passOver(error, selector.prefix);
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

  async #passOver(error: unknown, key: KvKey): Promise<void> {
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
