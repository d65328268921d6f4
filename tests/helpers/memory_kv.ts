import type { CheckpointKv, KvCommit, KvEntry, KvKey } from "../../src/store/mod.ts";

const MAX_VALUE_BYTES = 65_536;
const MAX_COMMIT_BYTES = 819_200;
const MAX_MUTATIONS = 1_000;

/** A value with its key. */
export type KvRow = KvEntry & { readonly key: KvKey };

/** A key-value store in memory, with the limits of Deno KV, that can be made to fail. */
export class MemoryKv implements CheckpointKv {
  readonly #rows = new Map<string, KvRow>();
  #version = 0;
  /** Number of commits so far. */
  commits = 0;
  /**
   * Called before each read and commit, which wait for it; what it throws is what the store fails
   * with.
   */
  before: (action: "read" | "commit") => void | Promise<void> = () => {};

  async get(key: KvKey): Promise<KvEntry> {
    await this.before("read");
    return this.#rows.get(nameOf(key)) ?? { value: null, versionstamp: null };
  }

  async *list({ prefix }: { prefix: KvKey }): AsyncGenerator<KvRow> {
    const rows = [...this.#rows.values()]
      .filter(({ key }) => key.length > prefix.length && prefix.every((part, i) => key[i] === part))
      .sort((a, b) => compare(a.key, b.key));
    for (const row of rows) {
      await this.before("read");
      yield row;
    }
  }

  atomic(): KvCommit {
    const checks: { key: KvKey; versionstamp: string | null }[] = [];
    const changes: { key: KvKey; value?: unknown }[] = [];
    const commit: KvCommit = {
      check: (check) => (checks.push(check), commit),
      set: (key, value) => (changes.push({ key, value: copyOf(value) }), commit),
      delete: (key) => (changes.push({ key }), commit),
      commit: async () => {
        await this.before("commit");
        return this.#commit(checks, changes);
      },
    };
    return commit;
  }

  #commit(
    checks: readonly { key: KvKey; versionstamp: string | null }[],
    changes: readonly { key: KvKey; value?: unknown }[],
  ): { ok: boolean; versionstamp?: string } {
    this.commits++;
    const sizes = changes.map(({ value }) => value instanceof Uint8Array ? value.length : 0);
    const total = sizes.reduce((sum, size) => sum + size + 100, 0);
    if (Math.max(...sizes) > MAX_VALUE_BYTES) throw new TypeError("Value too large");
    if (changes.length > MAX_MUTATIONS) throw new TypeError("Too many mutations");
    if (total > MAX_COMMIT_BYTES && Math.max(...sizes) > 0) {
      throw new TypeError("Total mutation size too large");
    }
    const holds = checks.every(({ key, versionstamp }) =>
      (this.#rows.get(nameOf(key))?.versionstamp ?? null) === versionstamp
    );
    if (!holds) return { ok: false };
    const versionstamp = String(++this.#version);
    for (const { key, ...change } of changes) {
      if ("value" in change) {
        this.#rows.set(nameOf(key), { key, value: change.value, versionstamp });
      } else this.#rows.delete(nameOf(key));
    }
    return { ok: true, versionstamp };
  }
}

/** A store takes a copy. */
function copyOf(value: unknown): unknown {
  return value instanceof Uint8Array ? value.slice() : structuredClone(value);
}

function nameOf(key: KvKey): string {
  return JSON.stringify(key);
}

function compare(a: KvKey, b: KvKey): number {
  for (const [i, part] of a.entries()) {
    const other = b[i] ?? "";
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
