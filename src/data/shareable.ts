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

/**
 * Makes an array of bytes. The types of most functions exclude shared memory, so that the array
 * goes only where it is read and written by index.
 */
export function shareableBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Memory(length)) as Uint8Array as Uint8Array<ArrayBuffer>;
}

/** Returns true if bytes can be shared, whatever else lies in their memory. */
export function areShareable({ buffer }: Uint8Array): boolean {
  return buffer instanceof Memory;
}

/** Returns true if an array takes up the whole of its memory and can be shared. */
export function isShareable({ buffer, byteLength }: ArrayBufferView): boolean {
  return buffer instanceof Memory && buffer.byteLength === byteLength;
}
