/**
 * Decompression of gzip in one step, into memory of the caller's.
 *
 * @module
 */

/** Largest result of one step, in which a program does nothing else for some 0.2 s. */
const MOST_BYTES = 2 ** 27;

/** Bytes of the data from which the size of the result is read. */
const START_BYTES = 1024;

/** Part of a stream of `node:zlib` that writes where it is told. It is not documented. */
interface Decompressor {
  readonly _handle: {
    /** Receives a fault of the data. */
    onerror(): void;
    writeSync(
      flush: number,
      from: Uint8Array,
      start: number,
      length: number,
      into: Uint8Array,
      intoStart: number,
      room: number,
    ): void;
  };
  /** Bytes of room and of data that were not used. */
  readonly _writeState: Uint32Array;
}

function isDecompressor(stream: object): stream is Decompressor {
  if (!("_handle" in stream) || !("_writeState" in stream)) return false;
  const { _handle: handle, _writeState: state } = stream;
  return state instanceof Uint32Array && state.length === 2 && typeof handle === "object" &&
    handle !== null && "onerror" in handle && "writeSync" in handle &&
    typeof handle.writeSync === "function";
}

/**
 * Decompresses gzip into memory of its exact size: `node:zlib` makes an array for each piece
 * otherwise, which takes 40 % of the time.
 *
 * @param limitOf Gives the expected size from the first bytes, or `undefined` if they are too few.
 * @param room Makes the array for the result.
 * @returns The result; `undefined` if it is not sound data of exactly the expected size, or if this
 * version of the runtime cannot write where it is told. The stream of `node:zlib` tells which.
 */
export async function gunzipAtOnce(
  bytes: Uint8Array<ArrayBuffer>,
  limitOf: (start: Uint8Array<ArrayBuffer>) => number | undefined,
  room: (length: number) => Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { constants: { Z_FINISH, Z_SYNC_FLUSH }, createGunzip, gunzipSync } = await import(
    "node:zlib"
  );
  let limit: number | undefined;
  try {
    const start = gunzipSync(bytes.subarray(0, START_BYTES), { finishFlush: Z_SYNC_FLUSH });
    limit = limitOf(new Uint8Array(start));
  } catch {
    return undefined;
  }
  if (limit === undefined || limit > MOST_BYTES) return undefined;
  const stream = createGunzip();
  try {
    if (!isDecompressor(stream)) return undefined;
    let isSound = true;
    stream._handle.onerror = () => isSound = false;
    // More data than expected would fill the last byte.
    const whole = room(limit + 1);
    stream._handle.writeSync(Z_FINISH, bytes, 0, bytes.length, whole, 0, whole.length);
    const [unused, unread] = stream._writeState;
    return isSound && unused === 1 && unread === 0 ? whole.subarray(0, limit) : undefined;
  } finally {
    stream.destroy();
  }
}
