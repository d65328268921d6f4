/**
 * Decompression of gzip, with a limit that the first bytes determine.
 *
 * @module
 */

import { isDeno, runtime } from "../../base/runtime/runtime.ts";
import { concat } from "../../base/bytes.ts";

/** Bytes that come out of Node's decompressor at a time. */
const PIECE_BYTES = 2 ** 18;

/** Bytes up to which Node's decompressor takes longer to load than it saves. */
const SMALL_BYTES = 2 ** 20;

/** Bytes that go into the decompressor at a time, which limit what a step can produce. */
const SLICE_BYTES = 65_536;

/** Largest ratio of decompressed to compressed size (deflate). */
export const MOST_GROWTH = 1032;

/** Returns true if bytes begin as a gzip file does (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1F && bytes[1] === 0x8B;
}

/** Streams bytes in slices, so that a reader that stops early does not decompress everything. */
function slices(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(offset, offset += SLICE_BYTES));
    },
  }, { highWaterMark: 0 });
}

/**
 * Decompresses gzip in pieces. Node's decompressor takes about half of the time of a
 * `DecompressionStream`, but some 15 ms to load; a browser has none.
 */
async function* unpack(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (bytes.length > SMALL_BYTES && isDeno()) {
    const { createGunzip } = await import("node:zlib");
    const unpacked = createGunzip({ chunkSize: PIECE_BYTES });
    unpacked.end(bytes);
    return yield* unpacked;
  }
  const reader = slices(bytes).pipeThrough(runtime.compression.decompressor("gzip")).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // A stream that has failed cannot be cancelled; the caller gets its error already.
    await reader.cancel().catch(() => {});
  }
}

/**
 * Decompresses gzip of several members, one after the other (RFC 1952, section 2.2), which a
 * `DecompressionStream` takes for damaged. It is not available in a browser.
 */
async function gunzipMembers(
  bytes: Uint8Array<ArrayBuffer>,
  limitOf: (start: Uint8Array<ArrayBuffer>) => number | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  // Imported when it is needed: a browser has no such module.
  const { constants, gunzipSync } = await import("node:zlib");
  const start = gunzipSync(bytes.subarray(0, SLICE_BYTES), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  const limit = limitOf(new Uint8Array(start));
  return new Uint8Array(
    gunzipSync(bytes, { maxOutputLength: limit === undefined ? start.length : limit + 1 }),
  );
}

/**
 * Decompresses gzip, up to a limit.
 *
 * @param name Name of the data in messages.
 * @param limitOf Gives the expected size, in bytes, from the first bytes, or `undefined` while they
 * are too few. Decompression stops once there is more. Its errors are passed on.
 * @param room Makes the array for the result. Default: in ordinary memory.
 * @throws {SyntaxError} If the data are damaged or cut off; in a browser also if they have several
 * members.
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  limitOf: (start: Uint8Array<ArrayBuffer>) => number | undefined,
  room: (length: number) => Uint8Array<ArrayBuffer> = (length) => new Uint8Array(length),
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length > SMALL_BYTES && isDeno()) {
    const { gunzipAtOnce } = await import("./gzip_at_once.ts");
    const whole = await gunzipAtOnce(bytes, limitOf, room);
    if (whole !== undefined) return whole;
  }
  const pieces = unpack(bytes);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  /**
   * Array for all bytes, once the limit is known: parts that are joined at the end would take twice
   * the memory.
   */
  let whole: Uint8Array<ArrayBuffer> | undefined;
  let failure: unknown;
  let length = 0;
  let limit: number | undefined;
  try {
    while (limit === undefined || length <= limit) {
      const { done, value } = await pieces.next().catch((error) => {
        failure = error;
        return { done: true, value: undefined } as const;
      });
      if (done) break;
      if (whole !== undefined) {
        whole.set(value.subarray(0, whole.length - length), length);
        length = Math.min(length + value.length, whole.length);
        continue;
      }
      parts.push(value);
      length += value.length;
      limit = limitOf(parts.length === 1 ? value : concat(parts));
      if (limit === undefined || length > limit) continue;
      // No more is allocated than the bytes can decompress to, whatever a header claims.
      whole = room(Math.min(limit + 1, Math.max(length, MOST_GROWTH * bytes.length)));
      whole.set(concat(parts));
    }
  } finally {
    await pieces.return(undefined);
  }
  if (failure !== undefined) {
    let refusal: unknown;
    const limited = (start: Uint8Array<ArrayBuffer>) => {
      try {
        return limitOf(start);
      } catch (error) {
        throw refusal = error;
      }
    };
    return await gunzipMembers(bytes, limited).catch((error) => {
      // Too many values are refused whether or not the data are sound.
      if (error === refusal && error instanceof RangeError) throw error;
      throw new SyntaxError(
        `Cannot read ${name}: its gzip data are damaged or incomplete, get the file again`,
        { cause: failure },
      );
    });
  }
  if (whole !== undefined) return whole.subarray(0, length);
  const [only] = parts;
  return parts.length === 1 && only ? only : concat(parts);
}
