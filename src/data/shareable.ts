/** Arrays in memory that workers read without a copy. A web page that is not isolated has no such memory: there they are plain ones. */

const Memory = globalThis.SharedArrayBuffer ?? ArrayBuffer;

/** Zeros. */
export function shareableFloats(length: number): Float32Array {
  return new Float32Array(new Memory(length * Float32Array.BYTES_PER_ELEMENT));
}

/** A copy of the integers. */
export function shareableInts(values: ArrayLike<number>): Int32Array {
  const ints = new Int32Array(new Memory(values.length * Int32Array.BYTES_PER_ELEMENT));
  ints.set(values);
  return ints;
}

/** Whether the array is all of such a memory. */
export function isShareable({ buffer, byteLength }: ArrayBufferView): boolean {
  return buffer instanceof Memory && buffer.byteLength === byteLength;
}
