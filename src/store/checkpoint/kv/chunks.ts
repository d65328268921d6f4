import type { ByteSource } from "../../safetensors/file.ts";
import type { CheckpointKv, KvKey } from "./checkpoint_kv.ts";

/** Deno KV takes values of 64 KiB at most. */
export const CHUNK_BYTES = 64 * 1024;
/** Deno KV takes commits of 800 KiB at most, keys included. */
export const BATCH_CHUNKS = 12;

/** The chunks of some bytes, as views. */
export function cut(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  return Array.from(
    { length: Math.ceil(bytes.length / CHUNK_BYTES) },
    (_, i) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
}

/** The bytes of the chunks below a prefix, one after another. */
export class ChunkSource implements ByteSource {
  /** What the store failed with, if it did. */
  fault: unknown;
  readonly #size: number;
  readonly #chunks: AsyncIterator<{ readonly key: readonly unknown[]; readonly value: unknown }>;
  #index = 0;
  #rest: Uint8Array = new Uint8Array();

  /** The chunks of so many bytes in all. */
  constructor(kv: CheckpointKv, prefix: KvKey, size: number) {
    this.#size = size;
    this.#chunks = kv.list({ prefix }, { batchSize: BATCH_CHUNKS })[Symbol.asyncIterator]();
  }

  stat(): Promise<{ readonly size: number }> {
    return Promise.resolve({ size: this.#size });
  }

  /** Rejects with a `SyntaxError` where a chunk is missing, and with the store's own error. */
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
