/** Bytes that a stream reads at once, as those of Deno do. */
const CHUNK_BYTES = 64 * 1024;

/** Returns the bytes of an open file from its position on; the file is closed at the end. */
export function readableOf(
  file: Pick<Deno.FsFile, "read" | typeof Symbol.dispose>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      try {
        const count = await file.read(chunk);
        if (count !== null) return controller.enqueue(chunk.subarray(0, count));
      } catch (error) {
        file[Symbol.dispose]();
        throw error;
      }
      file[Symbol.dispose]();
      controller.close();
    },
    cancel: () => file[Symbol.dispose](),
  }, { highWaterMark: 0 });
}

/** Returns a stream that writes to an open file, which is closed at the end. */
export function writableOf(
  file: Pick<Deno.FsFile, "write" | typeof Symbol.dispose>,
): WritableStream<Uint8Array<ArrayBufferLike>> {
  return new WritableStream({
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    },
    close: () => file[Symbol.dispose](),
    abort: () => file[Symbol.dispose](),
  });
}
