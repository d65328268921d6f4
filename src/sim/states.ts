import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";

/** What the names of clients' vectors begin with in a checkpoint. */
const PREFIX = "client/";

/**
 * The vectors that clients keep from round to round: in memory up to a limit, past it in a file that goes with the store. What is written in a round counts
 * once that is over: a round that is tried again begins from what there was.
 */
export class StateStore implements Disposable {
  readonly #length: number;
  /** Number of places in memory: those after them are in the file. */
  readonly #most: number;
  readonly #memory: ParameterVector[] = [];
  readonly #places = new Map<Rank, number>();
  readonly #written = new Map<Rank, number>();
  /** Where that lies which counted before the last {@linkcode commit}. */
  readonly #before = new Map<Rank, number | undefined>();
  readonly #free: number[] = [];
  readonly #folder: string | undefined;
  #file: { readonly handle: Deno.FsFile; readonly path: string } | undefined;

  /**
   * Room for vectors of so many values, of which so many bytes stay in memory, and the others in a
   * file of the folder.
   */
  constructor(length: number, memoryBytes: number, folder?: string) {
    this.#length = length;
    this.#folder = folder;
    this.#most = Math.floor(memoryBytes / (length * Float32Array.BYTES_PER_ELEMENT));
  }

  /** Copies a client's vector out; false when it has none. */
  read(rank: Rank, into: ParameterVector): boolean {
    const place = this.#places.get(rank);
    if (place === undefined) return false;
    into.set(this.#memory[place] ?? this.#readFile(place));
    return true;
  }

  /** Keeps a copy of a client's vector until {@linkcode commit}. Throws the system's error when the file cannot be made or written. */
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
    // What is shared between threads cannot be written from.
    const bytes = new Uint8Array(Float32Array.from(vector).buffer);
    for (let at = 0; at < bytes.length;) at += handle.writeSync(bytes.subarray(at));
  }

  /** What was written counts from now on. */
  commit(): void {
    this.#forget();
    for (const [rank, place] of this.#written) {
      this.#before.set(rank, this.#places.get(rank));
      this.#places.set(rank, place);
    }
    this.#written.clear();
  }

  /**
   * What the last {@linkcode commit} made count does so no more; to be called before anything else
   * is written.
   */
  revert(): void {
    for (const [rank, place] of this.#before) {
      this.#free.push(this.#places.get(rank) ?? 0);
      if (place === undefined) this.#places.delete(rank);
      else this.#places.set(rank, place);
    }
    this.#before.clear();
  }

  /** The places of what counted before the last {@linkcode commit} are free. */
  #forget(): void {
    for (const place of this.#before.values()) if (place !== undefined) this.#free.push(place);
    this.#before.clear();
  }

  /** What was written since the last {@linkcode commit} does not count. */
  discard(): void {
    this.#free.push(...this.#written.values());
    this.#written.clear();
  }

  /** Each client's vector that counts, by names that {@linkcode restore} reads: as it is in memory, which lasts until the next `write`, or read from the file. */
  save(): Record<string, ParameterVector> {
    const sorted = [...this.#places].sort(([a], [b]) => a - b);
    return Object.fromEntries(
      sorted.map(([rank, place]) => [PREFIX + rank, this.#memory[place] ?? this.#readFile(place)]),
    );
  }

  /** Keeps what was saved; other vectors are passed over. */
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
    Deno.removeSync(path);
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
    handle.seekSync(place * this.#length * Float32Array.BYTES_PER_ELEMENT, Deno.SeekMode.Start);
  }
}

function openTemporary(folder: string | undefined): { handle: Deno.FsFile; path: string } {
  const path = Deno.makeTempFileSync({ prefix: "fedlab-clients-", ...(folder && { dir: folder }) });
  return { handle: Deno.openSync(path, { read: true, write: true }), path };
}
