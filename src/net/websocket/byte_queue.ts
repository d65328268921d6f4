/** Size of the pieces that the queue's memory comes in. */
const BLOCK_BYTES = 64 * 1024;

interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  start: number;
  end: number;
}

/** Bytes that wait to be read. Few at a time take no more memory than many at once. */
export class ByteQueue {
  readonly #blocks: Block[] = [];

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** Takes in a copy. */
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

  /** Gives out as many as wait and fit, and returns their number. */
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

  /** Forgets what waits. */
  clear(): void {
    this.#blocks.length = 0;
  }
}
