import type { ByteSource } from "../../safetensors/file.ts";
import type { CheckpointKv, KvKey } from "./checkpoint_kv.ts";

/** Size of a chunk: the largest value that Deno KV takes. */
const CHUNK_BYTES = 64 * 1024;
/** Most chunks in a commit, which Deno KV limits to 800 KiB with all keys. */
export const BATCH_CHUNKS = 12;

/** Cuts bytes into chunks, as views. */
export function cut(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  return Array.from(
    { length: Math.ceil(bytes.length / CHUNK_BYTES) },
    (_, i) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
}

/** Source of the bytes in the chunks below a prefix. */
export class ChunkSource implements ByteSource {
  /** Error of the store, if it has failed. */
  fault: unknown;
  readonly #size: number;
  readonly #chunks: AsyncIterator<{ readonly key: readonly unknown[]; readonly value: unknown }>;
  #index = 0;
  #rest: Uint8Array = new Uint8Array();

  /** Makes a source of `size` bytes. */
  constructor(kv: CheckpointKv, prefix: KvKey, size: number) {
    this.#size = size;
    this.#chunks = kv.list({ prefix }, { batchSize: BATCH_CHUNKS })[Symbol.asyncIterator]();
  }

  stat(): Promise<{ readonly size: number }> {
    return Promise.resolve({ size: this.#size });
  }

  /** Reads on. Rejects with a `SyntaxError` for a missing chunk, and with the store's own error. */
  async read(into: Uint8Array): Promise<number> {
    while (this.#rest.length === 0) this.#rest = await this.#next();
    const piece = this.#rest.subarray(0, into.length);
    into.set(piece);
    this.#rest = this.#rest.subarray(piece.length);
    return piece.length;
  }

  async #next(): Promise<Uint8Array> {
    const index = this.#index++;
    const next = await this.#chunks.next().catch((error: unknown) => {
      throw this.fault = error;
    });
    const { key, value } = next.done ? { key: [], value: undefined } : next.value;
    if (key.at(-1) !== index || !(value instanceof Uint8Array)) {
      throw new SyntaxError(`expected chunk ${index}, got ${next.done ? "none" : "another"}`);
    }
    return value;
  }
}
