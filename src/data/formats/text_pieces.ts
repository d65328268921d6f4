/**
 * Text of a file, in pieces and in UTF-8.
 *
 * @module
 */

import { fileError, openFile, readStart } from "../file.ts";
import { isGzip } from "./gzip.ts";
import { gunzipPieces } from "./gzip_pieces.ts";
import type { ReadTableOptions } from "./raw_table.ts";

/** Bytes that are read at a time. */
const PIECE_BYTES = 2 ** 20;
/** Bytes between two reports of the progress. */
const REPORT_BYTES = 2 ** 23;

/** Text of a file, in pieces. */
export interface Pieces {
  /** Bytes of the text as far as it is known before it is read; 0 if it is not. */
  readonly size: number;
  /** Pieces. Each is valid until the next is asked for. */
  readonly pieces: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads the bytes of a file in pieces. Each is valid until the next is asked for.
 *
 * @throws {Error} As `openFile()` rejects, or if the file becomes shorter.
 */
async function* filePieces(
  path: string,
  { onProgress, signal }: Pick<ReadTableOptions, "onProgress" | "signal">,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { file, size } = await openFile(path);
  using _file = file;
  const buffer = new Uint8Array(Math.max(1, Math.min(PIECE_BYTES, size)));
  let bytes = 0, reported = 0;
  for (;;) {
    signal?.throwIfAborted();
    const count = await file.read(buffer).catch((error) => {
      throw fileError(error, path);
    });
    if (count === null) break;
    bytes += count;
    if (bytes - reported >= REPORT_BYTES) {
      onProgress?.({ file: path, bytes: reported = bytes, total: Math.max(size, bytes) });
    }
    yield buffer.subarray(0, count);
  }
  if (bytes < size) {
    throw new SyntaxError(
      `Cannot read ${path}: it became shorter while it was read: ${bytes} of ${size} bytes`,
    );
  }
  onProgress?.({ file: path, bytes, total: bytes });
}

/** Returns a name of an encoding that `TextDecoder` knows, for what a text begins with. */
function encodingOf(start: Uint8Array, given: string | undefined): string {
  if (start[0] === 0xFF && start[1] === 0xFE) return "utf-16le";
  if (start[0] === 0xFE && start[1] === 0xFF) return "utf-16be";
  return given ?? "utf-8";
}

function decoderOf(encoding: string, name: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (cause) {
    throw new TypeError(
      `Cannot read ${name}: expected an encoding such as utf-8, utf-16le or windows-1252, got ${
        JSON.stringify(encoding)
      }`,
      { cause },
    );
  }
}

/** Removes a byte order mark, and converts other encodings to UTF-8. */
export class Utf8Converter {
  readonly #name: string;
  readonly #encoding: string | undefined;
  readonly #encoder = new TextEncoder();
  #decoder: TextDecoder | undefined;
  #isFirst = true;

  /** Starts a text that messages call `name`. */
  constructor(name: string, encoding: string | undefined) {
    this.#name = name;
    this.#encoding = encoding;
    if (encoding !== undefined) decoderOf(encoding, name);
  }

  /**
   * Converts a piece.
   *
   * @throws {SyntaxError} If the bytes are not in the encoding.
   */
  push(piece: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (this.#isFirst) {
      this.#isFirst = false;
      const encoding = encodingOf(piece, this.#encoding);
      const decoder = decoderOf(encoding, this.#name);
      if (decoder.encoding !== "utf-8") this.#decoder = decoder;
      else if (piece[0] === 0xEF && piece[1] === 0xBB && piece[2] === 0xBF) {
        return piece.subarray(3);
      }
    }
    return this.#decoder ? this.#encoder.encode(this.#decode(this.#decoder, piece)) : piece;
  }

  /** Gives what is left after the last piece. Throws as {@linkcode push} does. */
  end(): Uint8Array<ArrayBuffer> {
    return this.#encoder.encode(this.#decoder ? this.#decode(this.#decoder) : "");
  }

  #decode(decoder: TextDecoder, piece?: Uint8Array<ArrayBuffer>): string {
    try {
      return piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
    } catch (cause) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: expected a text in ${decoder.encoding}, got other bytes`,
        { cause },
      );
    }
  }
}

/**
 * Gives the text of a file in UTF-8, also of one that is packed with gzip. Rejects, also later, as
 * `openFile()` does.
 *
 * @throws {TypeError} If the encoding is unknown.
 * @throws {SyntaxError} While pieces are read, if the file is damaged or becomes shorter.
 */
export async function textPieces(path: string, options: ReadTableOptions): Promise<Pieces> {
  const { start, size } = await readStart(path, 2);
  const isPacked = isGzip(start);
  const converter = new Utf8Converter(path, options.encoding);
  async function* convert() {
    const pieces = filePieces(path, options);
    for await (const piece of isPacked ? gunzipPieces(pieces, path) : pieces) {
      yield converter.push(piece);
    }
    const rest = converter.end();
    if (rest.length > 0) yield rest;
  }
  return { size: isPacked ? 0 : size, pieces: convert() };
}
