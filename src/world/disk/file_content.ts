import type { Random } from "../../base/random.ts";

/** Bytes that a disk writes at once, or not at all. */
const SECTOR_BYTES = 512;
/** Number of changes, and bytes they have replaced, beyond which the oldest are kept for sure. */
const MOST_CHANGES = 1000;
const MOST_REPLACED_BYTES = 2 ** 20;

/** Change of a file that a crash may undo. */
interface Change {
  /** Offset of the first byte that was changed. */
  readonly at: number;
  /** Number of bytes written; 0 for a change of the length. */
  readonly length: number;
  /** Length of the file before. */
  readonly lengthBefore: number;
  /** Bytes from the offset on that were replaced or cut off. */
  readonly replaced: Uint8Array<ArrayBuffer>;
}

/** Changes that a crash has undone. */
export interface Undone {
  /** Number of changes that are gone. */
  readonly lost: number;
  /** Bytes that are left of the last change, if it was torn. */
  readonly torn: number | undefined;
}

const EMPTY = new Uint8Array(0);

/**
 * Bytes of a file, and what a crash may undo: the changes since the last sync, newest first.
 *
 * Only the bytes that a change replaced are kept, none of those it wrote: a file that grows costs
 * no more than its length.
 */
export class FileContent {
  #bytes: Uint8Array<ArrayBuffer> = EMPTY;
  #length = 0;
  #changes: Change[] = [];
  #replacedBytes = 0;

  /** Length in bytes. */
  get length(): number {
    return this.#length;
  }

  /** Number of changes that a crash may undo. */
  get unsynced(): number {
    return this.#changes.length;
  }

  /** Copies bytes from an offset on into an array, and returns their number. */
  read(at: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.#length - at));
    if (count > 0) into.set(this.#bytes.subarray(at, at + count));
    return count;
  }

  /** Writes bytes at an offset; bytes between the end and the offset become 0. */
  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    this.#note(at, bytes.length, Math.min(end, this.#length));
    if (end > this.#length) this.#setLength(end);
    this.#bytes.set(bytes, at);
  }

  /** Cuts the file off, or fills it with zeros. */
  resize(length: number): void {
    if (length === this.#length) return;
    this.#note(Math.min(length, this.#length), 0, this.#length);
    this.#setLength(length);
  }

  /** Makes all changes safe from crashes. */
  sync(): void {
    this.#changes = [];
    this.#replacedBytes = 0;
  }

  /**
   * Undoes changes that were not synced, from one on that is drawn. The last one that stays may be
   * torn at a multiple of 512 bytes.
   */
  crash(random: Random): Undone {
    const stay = random.below(this.#changes.length + 1), lost = this.#changes.length - stay;
    while (this.#changes.length > stay) this.#undoLast(0);
    const torn = this.#tear(random);
    this.sync();
    return { lost, torn };
  }

  #tear(random: Random): number | undefined {
    const last = this.#changes.at(-1);
    if (last === undefined || last.length === 0 || random.below(2) === 0) return undefined;
    const first = Math.floor(last.at / SECTOR_BYTES) + 1;
    const sectors = Math.ceil((last.at + last.length) / SECTOR_BYTES) - first;
    if (sectors < 1) return undefined;
    const left = (first + random.below(sectors)) * SECTOR_BYTES - last.at;
    this.#undoLast(left);
    return left;
  }

  /** Undoes the last change but for the first bytes of it. */
  #undoLast(left: number): void {
    const change = this.#changes.pop();
    if (change === undefined) return;
    const { at, lengthBefore, replaced } = change;
    this.#setLength(Math.max(lengthBefore, left === 0 ? 0 : at + left));
    this.#bytes.set(replaced.subarray(left), Math.min(at + left, this.#length));
  }

  /** Keeps the bytes from an offset to an end that a change is about to replace. */
  #note(at: number, length: number, end: number): void {
    const replaced = end > at ? this.#bytes.slice(at, end) : EMPTY;
    this.#changes.push({ at, length, lengthBefore: this.#length, replaced });
    this.#replacedBytes += replaced.length;
    const most = Math.max(MOST_REPLACED_BYTES, this.#length);
    if (this.#changes.length <= MOST_CHANGES && this.#replacedBytes <= most) return;
    // As an operating system does that has held them for long.
    const kept = this.#changes.splice(0, Math.ceil(this.#changes.length / 2));
    for (const { replaced } of kept) this.#replacedBytes -= replaced.length;
  }

  #setLength(length: number): void {
    const before = this.#length;
    this.#length = length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(2 * before, before + 2 ** 24)));
      grown.set(this.#bytes.subarray(0, before));
      this.#bytes = grown;
    } else if (length > before) {
      this.#bytes.fill(0, before, length);
    } else if (length < this.#bytes.length / 4) {
      this.#bytes = this.#bytes.slice(0, length);
    }
  }
}
