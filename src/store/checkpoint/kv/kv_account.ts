import { isCount } from "../../../base/check.ts";
import { isRecord } from "../../../base/json.ts";
import { runtime } from "../../../base/runtime/runtime.ts";
import { readAll } from "../../safetensors/file.ts";
import { decodeAccount, encodeAccount } from "../account.ts";
import type { KvCommit } from "./checkpoint_kv.ts";
import { ChunkSource, cut } from "./chunks.ts";
import { type KeyOf, type LooseChunks, overtaken } from "./loose_chunks.ts";
import type { ReadableKv } from "./readable_kv.ts";

/** Most chunks that are written in the commit of a checkpoint; more are written before it. */
const MOST_ADDED = 6;

/** Place of an account: the id of its chunks, and their number. */
interface AccountEntry {
  readonly id: string;
  readonly chunks: number;
  readonly bytes: number;
}

/** Account of a run among the chunks of a key-value store, which each save replaces. */
export class KvAccount {
  readonly #kv: ReadableKv;
  readonly #keyOf: KeyOf;
  readonly #loose: LooseChunks;
  readonly #name: string;

  constructor(kv: ReadableKv, keyOf: KeyOf, loose: LooseChunks, name: string) {
    this.#kv = kv;
    this.#keyOf = keyOf;
    this.#loose = loose;
    this.#name = name;
  }

  /**
   * Writes an account ahead if it is too large for one commit.
   *
   * @returns Function that adds what remains to the commit of the checkpoint.
   * @throws {OvertakenError} If another process has taken over the run.
   */
  async write(account: unknown): Promise<(commit: KvCommit) => void> {
    const bytes = await encodeAccount(account), pieces = cut(bytes);
    const row = this.#keyOf("account"), id = runtime.random.randomUUID();
    const { value: former } = await this.#kv.getToReplace(row);
    const entry: AccountEntry = { id, chunks: pieces.length, bytes: bytes.length };
    const replace = (commit: KvCommit) => {
      commit.set(row, entry);
      if (isEntry(former)) commit.set(this.#loose.markOf(former.id), { chunks: former.chunks });
    };
    if (pieces.length <= MOST_ADDED) {
      return (commit) => {
        replace(commit);
        pieces.forEach((piece, i) => commit.set(this.#keyOf("chunk", id, i), piece));
      };
    }
    const { mark, put } = await this.#loose.begin(id, pieces.length);
    await put(pieces, 0);
    const { versionstamp } = await this.#kv.get(mark);
    if (versionstamp === null) throw overtaken();
    return (commit) => {
      replace(commit);
      commit.check({ key: mark, versionstamp }).delete(mark);
    };
  }

  /**
   * Reads the account; `undefined` where there is none.
   *
   * @throws {SyntaxError} If it is not whole.
   */
  async read(): Promise<unknown> {
    const { value } = await this.#kv.get(this.#keyOf("account"));
    if (value === null) return undefined;
    const entry = isEntry(value) ? value : { id: "none", chunks: 0, bytes: 1 };
    const source = new ChunkSource(this.#kv, this.#keyOf("chunk", entry.id), entry.bytes);
    const bytes = new Uint8Array(entry.bytes);
    try {
      await readAll(source, bytes);
    } catch (error) {
      if (source.fault !== undefined) throw error;
    }
    return await decodeAccount(bytes, `kv:${this.#name}`);
  }
}

function isEntry(value: unknown): value is AccountEntry {
  return isRecord(value) && typeof value.id === "string" && isCount(value.chunks) &&
    isCount(value.bytes);
}
