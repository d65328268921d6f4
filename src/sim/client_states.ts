import { runtime } from "../base/runtime/runtime.ts";
import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";

/** Prefix of the names of clients' vectors in a checkpoint. */
const PREFIX = "client/";

/**
 * Vectors that clients keep from round to round: in memory up to a limit, and past it in a
 * temporary file. A vector that is written in a round counts once the round is over, so that a
 * round that is tried again begins with the vectors from before.
 */
export class ClientStates implements Disposable {
  readonly #length: number;
  /** Number of places in memory; further places are in the file. */
  readonly #most: number;
  readonly #memory: ParameterVector[] = [];
  readonly #places = new Map<Rank, number>();
  readonly #written = new Map<Rank, number>();
  /** Places of the vectors that counted before the last {@linkcode ClientStates.commit}. */
  readonly #before = new Map<Rank, number | undefined>();
  readonly #free: number[] = [];
  readonly #folder: string | undefined;
  #file: { readonly handle: Deno.FsFile; readonly path: string } | undefined;

  /**
   * Creates a store.
   *
   * @param length Number of values of a vector.
   * @param memoryBytes Bytes of the vectors in memory.
   * @param folder Folder of the file. Default: the system's folder of temporary files.
   */
  constructor(length: number, memoryBytes: number, folder?: string) {
    this.#length = length;
    this.#folder = folder;
    this.#most = Math.floor(memoryBytes / (length * Float32Array.BYTES_PER_ELEMENT));
  }

  /**
   * Returns a client's vector, as a view that is valid until the next
   * {@linkcode ClientStates.write}.
   */
  read(rank: Rank): ParameterVector | undefined {
    const place = this.#places.get(rank);
    return place === undefined ? undefined : this.#memory[place] ?? this.#readFile(place);
  }

  /**
   * Keeps a copy of a client's vector until {@linkcode ClientStates.commit}.
   *
   * @throws The system's error if the file cannot be created or written.
   */
  write(rank: Rank, vector: ParameterVector): void {
    this.#forget();
    const place = this.#written.get(rank) ?? this.#free.pop() ??
      this.#places.size + this.#written.size;
    this.#written.set(rank, place);
    if (place < this.#most) {
      (this.#memory[place] ??= new Float32Array(this.#length)).set(vector);
      return;
    }
    const { handle } = this.#file ??= openTemporary(this.#folder);
    this.#seek(handle, place);
    // A file cannot be written from memory that threads share.
    const bytes = new Uint8Array(Float32Array.from(vector).buffer);
    for (let at = 0; at < bytes.length;) at += handle.writeSync(bytes.subarray(at));
  }

  /** Makes the written vectors count. */
  commit(): void {
    this.#forget();
    for (const [rank, place] of this.#written) {
      this.#before.set(rank, this.#places.get(rank));
      this.#places.set(rank, place);
    }
    this.#written.clear();
  }

  /** Undoes the last {@linkcode ClientStates.commit}. Called before the next vector is written. */
  revert(): void {
    for (const [rank, place] of this.#before) {
      this.#free.push(this.#places.get(rank) ?? 0);
      if (place === undefined) this.#places.delete(rank);
      else this.#places.set(rank, place);
    }
    this.#before.clear();
  }

  /**
   * Frees the places of the vectors that counted before the last {@linkcode ClientStates.commit}.
   */
  #forget(): void {
    for (const place of this.#before.values()) if (place !== undefined) this.#free.push(place);
    this.#before.clear();
  }

  /** Drops the vectors written since the last {@linkcode ClientStates.commit}. */
  discard(): void {
    // Too many for the arguments of one call.
    for (const place of this.#written.values()) this.#free.push(place);
    this.#written.clear();
  }

  /**
   * Returns the vectors that count, by names that {@linkcode ClientStates.restore} reads. Those in
   * memory are views, valid until the next write.
   */
  save(): Record<string, ParameterVector> {
    const sorted = [...this.#places].sort(([a], [b]) => a - b);
    return Object.fromEntries(
      sorted.map(([rank, place]) => [PREFIX + rank, this.#memory[place] ?? this.#readFile(place)]),
    );
  }

  /** Keeps saved vectors; vectors of other names are ignored. */
  restore(vectors: Readonly<Record<string, ParameterVector>>): void {
    for (const [name, vector] of Object.entries(vectors)) {
      if (name.startsWith(PREFIX)) this.write(Number(name.slice(PREFIX.length)), vector);
    }
    this.commit();
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    if (!this.#file) return;
    const { handle, path } = this.#file;
    this.#file = undefined;
    handle.close();
    runtime.files.removeSync(path);
  }

  #readFile(place: number): ParameterVector {
    const file = this.#file;
    if (!file) throw new Error("Cannot read a client's vector: there is no file of them");
    const bytes = new Uint8Array(this.#length * Float32Array.BYTES_PER_ELEMENT);
    this.#seek(file.handle, place);
    for (let at = 0; at < bytes.length;) {
      const count = file.handle.readSync(bytes.subarray(at));
      if (count === null) throw new Error(`Cannot read ${file.path}: it was cut short`);
      at += count;
    }
    return new Float32Array(bytes.buffer);
  }

  #seek(handle: Deno.FsFile, place: number): void {
    place -= this.#most;
    handle.seekSync(
      place * this.#length * Float32Array.BYTES_PER_ELEMENT,
      runtime.files.SeekMode.Start,
    );
  }
}

function openTemporary(folder: string | undefined): { handle: Deno.FsFile; path: string } {
  const path = runtime.files.makeTempFileSync({
    prefix: "fedlab-clients-",
    ...(folder && { dir: folder }),
  });
  return { handle: runtime.files.openSync(path, { read: true, write: true }), path };
}
