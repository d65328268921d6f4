/**
 * Decompression of gzip that comes in pieces.
 *
 * @module
 */

import { MAX_UNPACKED } from "../limits.ts";

/** Bytes that are decompressed at a time. */
const PIECE_BYTES = 2 ** 18;

type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>>;

/**
 * Decompresses gzip of one or several members (RFC 1952). Not available in a browser.
 *
 * @param name Name of the data in messages.
 * @throws {SyntaxError} If the data are damaged or cut off.
 * @throws {RangeError} If there are more than 64 GiB: such data are a trap.
 */
export async function* gunzipPieces(pieces: Pieces, name: string): Pieces {
  // Imported when they are needed: a browser has no such modules.
  const { createGunzip } = await import("node:zlib");
  const { Readable } = await import("node:stream");
  let failure: unknown;
  async function* copies() {
    try {
      for await (const piece of pieces) yield piece.slice();
    } catch (error) {
      throw failure = error;
    }
  }
  const source = Readable.from(copies());
  const unpacked = createGunzip({ chunkSize: PIECE_BYTES });
  source.on("error", (error) => unpacked.destroy(error));
  let length = 0;
  try {
    for await (const piece of source.pipe(unpacked)) {
      if ((length += piece.length) > MAX_UNPACKED) {
        throw failure = new RangeError(
          `Cannot read ${name}: expected at most ${MAX_UNPACKED} bytes in the gzip file, got more`,
        );
      }
      yield piece;
    }
  } catch (cause) {
    if (cause === failure) throw cause;
    throw new SyntaxError(
      `Cannot read ${name}: its gzip data are damaged or incomplete, get the file again`,
      { cause },
    );
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}
