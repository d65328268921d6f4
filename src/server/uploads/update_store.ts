import { type KeptUpdate, PIECE_BYTES, UpdateInFile, UpdateInMemory } from "./kept_update.ts";
import type { SpillFile } from "./spill_file.ts";

/** Share of the memory that is left for pieces of updates in the file. */
const PIECES_SHARE = 1 / 4;
/** Share of the memory that one update may take, where there is a file. */
const UPDATE_SHARE = 1 / 4;

/** Store of updates that came before their turn: in memory up to a limit, others in a file. */
export class UpdateStore {
  readonly #memoryBytes: number;
  readonly #file: SpillFile | undefined;
  readonly #placeBytes: number;
  /** Buffers that can be used again, of `placeBytes` each. */
  readonly #idle: Uint8Array<ArrayBuffer>[] = [];
  #usedBytes = 0;

  /**
   * Creates an empty store.
   *
   * @param memoryBytes Bytes of the updates in memory.
   * @param placeBytes Most bytes of an update.
   * @param file File for further updates. Default: further updates are not kept.
   */
  constructor(memoryBytes: number, placeBytes: number, file?: SpillFile) {
    this.#memoryBytes = memoryBytes;
    this.#placeBytes = placeBytes;
    this.#file = file;
  }

  /** Bytes of memory in use. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Makes room for an update of `size` bytes; `undefined` when there is none. */
  keep(size: number): KeptUpdate | undefined {
    const file = this.#file?.isUsable ? this.#file : undefined;
    const memoryBytes = this.#memoryBytes * (file === undefined ? 1 : 1 - PIECES_SHARE);
    const isSmall = file === undefined || size <= this.#memoryBytes * UPDATE_SHARE;
    if (isSmall && this.#usedBytes + size <= memoryBytes) return this.#inMemory(size);
    if (file === undefined || this.#usedBytes + PIECE_BYTES > this.#memoryBytes) return undefined;
    this.#usedBytes += PIECE_BYTES;
    return new UpdateInFile(file, { onPieceFree: () => this.#usedBytes -= PIECE_BYTES });
  }

  #inMemory(size: number): KeptUpdate {
    // Memory of large updates is used again: the garbage collector would be late to free it.
    const isLarge = 2 * size > this.#placeBytes;
    const buffer = isLarge
      ? this.#idle.pop() ?? new Uint8Array(this.#placeBytes)
      : new Uint8Array(size);
    this.#usedBytes += size;
    return new UpdateInMemory(buffer.subarray(0, size), () => {
      this.#usedBytes -= size;
      if (isLarge) this.#idle.push(buffer);
    });
  }
}
