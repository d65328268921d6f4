import type { Rank } from "../net/process_group.ts";
import type { ParameterVector } from "../params/manifest.ts";

/** What the names of clients' vectors begin with in a checkpoint. */
const PREFIX = "client/";

/** The vectors that clients keep from round to round: in memory up to a limit, past it in a file that goes with the store. */
export class StateStore implements Disposable {
  readonly #length: number;
  readonly #most: number;
  readonly #inMemory = new Map<Rank, ParameterVector>();
  readonly #inFile = new Map<Rank, number>();
  #file: { readonly handle: Deno.FsFile; readonly path: string } | undefined;

  /** Room for vectors of so many values, of which so many bytes stay in memory. */
  constructor(length: number, memoryBytes: number) {
    this.#length = length;
    this.#most = Math.floor(memoryBytes / (length * Float32Array.BYTES_PER_ELEMENT));
  }

  /** Copies a client's vector out; false when it has none. */
  read(rank: Rank, into: ParameterVector): boolean {
    const kept = this.#inMemory.get(rank);
    if (kept) {
      into.set(kept);
      return true;
    }
    const place = this.#inFile.get(rank);
    if (place === undefined || !this.#file) return false;
    const bytes = new Uint8Array(this.#length * Float32Array.BYTES_PER_ELEMENT);
    this.#seek(this.#file.handle, place);
    for (let at = 0; at < bytes.length;) {
      const count = this.#file.handle.readSync(bytes.subarray(at));
      if (count === null) throw new Error(`Cannot read ${this.#file.path}: it was cut short`);
      at += count;
    }
    into.set(new Float32Array(bytes.buffer));
    return true;
  }

  /** Keeps a copy of a client's vector. Throws the system's error when the file cannot be made or written. */
  write(rank: Rank, vector: ParameterVector): void {
    const kept = this.#inMemory.get(rank);
    if (kept) return kept.set(vector);
    if (this.#inMemory.size < this.#most && !this.#inFile.has(rank)) {
      this.#inMemory.set(rank, Float32Array.from(vector));
      return;
    }
    const { handle } = this.#file ??= openTemporary();
    const place = this.#inFile.get(rank) ?? this.#inFile.size;
    this.#inFile.set(rank, place);
    this.#seek(handle, place);
    // What is shared between threads cannot be written from.
    const bytes = new Uint8Array(Float32Array.from(vector).buffer);
    for (let at = 0; at < bytes.length;) at += handle.writeSync(bytes.subarray(at));
  }

  /** Each client's vector, by names that {@linkcode restore} reads: as it is in memory, which lasts until the next `write`, or read from the file. */
  save(): Record<string, ParameterVector> {
    const ranks = [...this.#inMemory.keys(), ...this.#inFile.keys()].sort((a, b) => a - b);
    return Object.fromEntries(ranks.map((rank) => {
      const vector = this.#inMemory.get(rank) ?? new Float32Array(this.#length);
      if (this.#inFile.has(rank)) this.read(rank, vector);
      return [PREFIX + rank, vector];
    }));
  }

  /** Keeps what was saved; other vectors are passed over. */
  restore(vectors: Readonly<Record<string, ParameterVector>>): void {
    for (const [name, vector] of Object.entries(vectors)) {
      if (name.startsWith(PREFIX)) this.write(Number(name.slice(PREFIX.length)), vector);
    }
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    if (!this.#file) return;
    const { handle, path } = this.#file;
    this.#file = undefined;
    handle.close();
    Deno.removeSync(path);
  }

  #seek(handle: Deno.FsFile, place: number): void {
    handle.seekSync(place * this.#length * Float32Array.BYTES_PER_ELEMENT, Deno.SeekMode.Start);
  }
}

function openTemporary(): { handle: Deno.FsFile; path: string } {
  const path = Deno.makeTempFileSync({ prefix: "fedlab-clients-" });
  return { handle: Deno.openSync(path, { read: true, write: true }), path };
}
