const FNV_OFFSET = 0x811C9DC5;
const FNV_PRIME = 0x01000193;

/**
 * Dictionary from pieces of bytes to whole numbers: a field of a file is looked up without making
 * a string of it.
 */
export class ByteDictionary {
  /** Index of an entry plus 1 by hash (open addressing), 0 for none. */
  #slots = new Int32Array(64);
  #hashes = new Int32Array(32);
  #ends = new Int32Array(32);
  #values = new Int32Array(32);
  #bytes = new Uint8Array(512);
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** Gives the number of the bytes from `start` to `end`; `make` makes that of new bytes. */
  get(bytes: Uint8Array, start: number, end: number, make: () => number): number {
    let hash = FNV_OFFSET;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), FNV_PRIME);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let entry; (entry = this.#slots[slot] ?? 0) !== 0; slot = (slot + 1) & mask) {
      if (this.#hashes[entry - 1] === hash && this.#equals(entry - 1, bytes, start, end)) {
        return this.#values[entry - 1] ?? 0;
      }
    }
    const value = make();
    this.#add(hash, slot, bytes.subarray(start, end), value);
    return value;
  }

  #equals(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = entry === 0 ? 0 : this.#ends[entry - 1] ?? 0;
    if ((this.#ends[entry] ?? 0) - from !== end - start) return false;
    for (let i = start; i < end; i++) {
      if (this.#bytes[from + i - start] !== bytes[i]) return false;
    }
    return true;
  }

  #add(hash: number, slot: number, key: Uint8Array, value: number): void {
    const entry = this.#size++;
    const from = entry === 0 ? 0 : this.#ends[entry - 1] ?? 0;
    if (entry === this.#hashes.length) {
      this.#hashes = grown(this.#hashes);
      this.#ends = grown(this.#ends);
      this.#values = grown(this.#values);
    }
    if (from + key.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (from + key.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(key, from);
    this.#ends[entry] = from + key.length;
    this.#hashes[entry] = hash;
    this.#values[entry] = value;
    this.#slots[slot] = entry + 1;
    if (2 * this.#size > this.#slots.length) this.#rehash();
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = (this.#hashes[entry] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
