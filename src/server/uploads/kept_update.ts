import type { SpillFile } from "./spill_file.ts";

/** Bytes of a piece in which a file is written. */
export const PIECE_BYTES = 64 * 1024;

/** Update, or the beginning of one, that is kept until there is a staging buffer for it. */
export interface KeptUpdate {
  /** Gives room for the next bytes, valid until the next call; `undefined` when there is none. */
  room(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Notes that the first `count` bytes of the last room are used. */
  filled(count: number): void;
  /** Notes that the update is whole. Never rejects. */
  finish(): Promise<void>;
  /**
   * Copies the bytes to the beginning of a buffer.
   *
   * @throws {Error} If they cannot be read.
   */
  load(into: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Gives its memory or its place back. A second call does nothing. */
  release(): void;
}

/** Update that is kept in memory. */
export class UpdateInMemory implements KeptUpdate {
  readonly #body: Uint8Array<ArrayBuffer>;
  readonly #onRelease: () => void;
  #length = 0;
  #isReleased = false;

  /** Keeps an update in `body`, which has its size. */
  constructor(body: Uint8Array<ArrayBuffer>, onRelease: () => void) {
    this.#body = body;
    this.#onRelease = onRelease;
  }

  room(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const room = this.#body.subarray(this.#length);
    return Promise.resolve(room.length === 0 ? undefined : room);
  }

  filled(count: number): void {
    this.#length += count;
  }

  async finish(): Promise<void> {}

  load(into: Uint8Array<ArrayBuffer>): Promise<void> {
    into.set(this.#body.subarray(0, this.#length));
    return Promise.resolve();
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onRelease();
  }
}

/** Callbacks of an {@linkcode UpdateInFile}. */
export interface UpdateInFileOptions {
  /** Called once its piece needs no memory any more. */
  readonly onPieceFree: () => void;
}

/** Update that is kept in a file, but for its last piece. */
export class UpdateInFile implements KeptUpdate {
  readonly #file: SpillFile;
  readonly #place: number;
  readonly #onPieceFree: () => void;
  #piece: Uint8Array<ArrayBuffer> | undefined = new Uint8Array(PIECE_BYTES);
  /** Bytes in the file, and in the piece after them. */
  #written = 0;
  #filled = 0;
  #isReleased = false;

  /** Takes a place in the file. */
  constructor(file: SpillFile, { onPieceFree }: UpdateInFileOptions) {
    this.#file = file;
    this.#place = file.take();
    this.#onPieceFree = onPieceFree;
  }

  async room(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#filled === PIECE_BYTES && !await this.#flush()) return undefined;
    return this.#piece?.subarray(this.#filled);
  }

  filled(count: number): void {
    this.#filled += count;
  }

  async finish(): Promise<void> {
    if (await this.#flush()) this.#freePiece();
  }

  async load(into: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#written > 0) await this.#file.read(this.#place, 0, into.subarray(0, this.#written));
    if (this.#piece !== undefined) into.set(this.#piece.subarray(0, this.#filled), this.#written);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#freePiece();
    this.#file.giveBack(this.#place);
  }

  async #flush(): Promise<boolean> {
    const piece = this.#piece, filled = this.#filled;
    if (piece === undefined || filled === 0) return true;
    if (!this.#file.isUsable) return false;
    if (!await this.#file.write(this.#place, this.#written, piece.subarray(0, filled))) {
      return false;
    }
    this.#written += filled;
    this.#filled = 0;
    return true;
  }

  #freePiece(): void {
    if (this.#piece === undefined) return;
    this.#piece = undefined;
    this.#onPieceFree();
  }
}
