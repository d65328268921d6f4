/** Codes of element types in IDX files. */
export const IDX_BYTES = 0x08, IDX_FLOATS = 0x0D;

/** Encodes an IDX file from the code of an element type, sizes and a payload. */
export function idxOf(
  code: number,
  shape: readonly number[],
  payload: Iterable<number>,
): Uint8Array<ArrayBuffer> {
  const sizes = shape.flatMap((
    size,
  ) => [size >>> 24, size >>> 16 & 255, size >>> 8 & 255, size & 255]);
  return Uint8Array.from([0, 0, code, shape.length, ...sizes, ...payload]);
}

/** Encodes an IDX file of bytes: a header and, where they are given, values. */
export function idx(
  shape: readonly number[],
  values: Iterable<number> = [],
): Uint8Array<ArrayBuffer> {
  return idxOf(IDX_BYTES, shape, values);
}

/** Compresses bytes. */
export async function gzip(
  bytes: BlobPart,
  ...more: BlobPart[]
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([bytes, ...more]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(packed).bytes();
}
