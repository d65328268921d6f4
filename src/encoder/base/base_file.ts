/**
 * Content of a base, which is read in pieces from any place.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { openFile } from "../../data/file.ts";
import type { Digest } from "./digest.ts";

/** Bytes that are read at once. */
export const PIECE_BYTES = 2 ** 20;

/** Bytes that are read from any place. */
export interface BaseFile extends Disposable {
  /** Number of bytes. */
  readonly size: number;
  /**
   * Fills an array with the bytes from a place on.
   *
   * @throws {SyntaxError} If the content has become shorter.
   */
  read(from: number, into: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Opens a file of this machine. Rejects as `openFile()` does. */
export async function fileOf(path: string): Promise<BaseFile> {
  const { file, size } = await openFile(path);
  return {
    size,
    async read(from, into) {
      await file.seek(from, runtime.files.SeekMode.Start);
      for (let at = 0; at < into.length;) {
        const count = await file.read(into.subarray(at));
        if (count === null) throw shorter(path);
        at += count;
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
}

/** Reads a blob, such as a file that a browser keeps. */
export function blobOf(blob: Blob, name: string): BaseFile {
  return {
    size: blob.size,
    async read(from, into) {
      const piece = new Uint8Array(await blob.slice(from, from + into.length).arrayBuffer());
      if (piece.length < into.length) throw shorter(name);
      into.set(piece);
    },
    [Symbol.dispose]() {},
  };
}

/** Reads bytes in memory. */
export function bytesFile(bytes: Uint8Array): BaseFile {
  return {
    size: bytes.length,
    read(from, into) {
      into.set(bytes.subarray(from, from + into.length));
      return Promise.resolve();
    },
    [Symbol.dispose]() {},
  };
}

function shorter(name: string): Error {
  return new SyntaxError(`Cannot read ${name}: it has become shorter while it was read`);
}

/** Reads bytes from a place on, in pieces, each valid until the next is asked for. */
export async function* piecesOf(
  file: BaseFile,
  from = 0,
  to = file.size,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, to - at));
    await file.read(at, piece);
    yield piece;
  }
}

/** Gives a digest the bytes of a file. */
export async function digestInto(file: BaseFile, digest: Digest): Promise<void> {
  for await (const piece of piecesOf(file)) digest.update(piece);
}
