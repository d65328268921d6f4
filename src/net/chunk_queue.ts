interface Chunk<Tag> {
  bytes: Uint8Array;
  readonly tag: Tag;
}

/** Bytes that wait to be read, in the chunks in which they arrived. Each chunk has a tag. */
export class ChunkQueue<Tag = undefined> {
  readonly #chunks: Chunk<Tag>[] = [];

  /** True if nothing waits. */
  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Adds bytes, which must not change before they are taken. */
  add(bytes: Uint8Array, tag: Tag): void {
    this.#chunks.push({ bytes, tag });
  }

  /**
   * Moves as many bytes as wait and fit.
   *
   * @param onTaken Called for each chunk with the number of bytes that were moved of it, and with
   * whether those were its last ones.
   * @returns Number of bytes.
   */
  take(
    into: Uint8Array,
    onTaken?: (tag: Tag, count: number, isWhole: boolean) => void,
  ): number {
    let count = 0;
    while (count < into.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const part = chunk.bytes.subarray(0, into.length - count);
      into.set(part, count);
      count += part.length;
      chunk.bytes = chunk.bytes.subarray(part.length);
      const isWhole = chunk.bytes.length === 0;
      if (isWhole) this.#chunks.shift();
      onTaken?.(chunk.tag, part.length, isWhole);
    }
    return count;
  }

  /** Drops the first chunk whose tag fits, and all chunks after it. */
  dropFrom(isFirst: (tag: Tag) => boolean): void {
    const first = this.#chunks.findIndex(({ tag }) => isFirst(tag));
    if (first >= 0) this.#chunks.length = first;
  }

  /** Drops all chunks. */
  clear(): void {
    this.#chunks.length = 0;
  }
}
