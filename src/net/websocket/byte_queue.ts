/** Bytes of a block of the queue's memory. */
const BLOCK_BYTES = 64 * 1024;

interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  start: number;
  end: number;
}

/**
 * Queue of bytes that wait to be read, in blocks: bytes that arrive one by one take no more memory
 * than many at once.
 */
export class ByteQueue {
  readonly #blocks: Block[] = [];

  /** True if nothing waits. */
  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** Adds a copy of bytes. */
  add(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length;) {
      let block = this.#blocks.at(-1);
      if (block === undefined || block.end === BLOCK_BYTES) {
        block = { bytes: new Uint8Array(BLOCK_BYTES), start: 0, end: 0 };
        this.#blocks.push(block);
      }
      const part = bytes.subarray(at, at + BLOCK_BYTES - block.end);
      block.bytes.set(part, block.end);
      block.end += part.length;
      at += part.length;
    }
  }

  /** Moves as many bytes as wait and fit, and returns their number. */
  take(into: Uint8Array<ArrayBuffer>): number {
    let count = 0;
    for (let block = this.#blocks[0]; block !== undefined; block = this.#blocks[0]) {
      const end = Math.min(block.end, block.start + into.length - count);
      into.set(block.bytes.subarray(block.start, end), count);
      count += end - block.start;
      block.start = end;
      if (block.start < block.end) break;
      this.#blocks.shift();
    }
    return count;
  }

  /** Discards the bytes that wait. */
  clear(): void {
    this.#blocks.length = 0;
  }
}
