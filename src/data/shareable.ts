/**
 * Arrays in shared memory, which workers read without a copy. A web page that is not isolated has
 * no shared memory: there they are ordinary arrays.
 *
 * @module
 */

const Memory = globalThis.SharedArrayBuffer ?? ArrayBuffer;

/** Makes an array of zeros. */
export function shareableFloats(length: number): Float32Array {
  return new Float32Array(new Memory(length * Float32Array.BYTES_PER_ELEMENT));
}

/** Copies integers. */
export function shareableInts(values: ArrayLike<number>): Int32Array {
  const ints = new Int32Array(new Memory(values.length * Int32Array.BYTES_PER_ELEMENT));
  ints.set(values);
  return ints;
}

/** Copies bytes. */
export function shareableBytes(values: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(new Memory(values.length));
  bytes.set(values);
  return bytes;
}

/** Returns true if an array takes up the whole of its memory and can be shared. */
export function isShareable({ buffer, byteLength }: ArrayBufferView): boolean {
  return buffer instanceof Memory && buffer.byteLength === byteLength;
}
