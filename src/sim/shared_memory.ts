const encoder = new TextEncoder(), decoder = new TextDecoder();

/**
 * Returns a view of shared memory as a vector. The types of most functions exclude shared memory,
 * whose values may change at any time: a caller reads and writes the view only while no other
 * thread writes to that part.
 */
export function sharedVector(
  buffer: SharedArrayBuffer,
  start = 0,
  length?: number,
): Float32Array<ArrayBuffer> {
  return new Float32Array(buffer, start * 4, length) as unknown as Float32Array<ArrayBuffer>;
}

/**
 * Writes text behind its length in bytes, cut where it does not fit.
 *
 * @returns Whether all of the text fitted.
 */
export function writeText(
  buffer: SharedArrayBuffer,
  start: number,
  room: number,
  text: string,
): boolean {
  // Text coders do not take shared memory.
  const whole = encoder.encode(text);
  const bytes = whole.subarray(0, room - 4);
  new DataView(buffer).setUint32(start, bytes.length);
  new Uint8Array(buffer, start + 4, bytes.length).set(bytes);
  return bytes.length === whole.length;
}

/** Reads text that {@linkcode writeText} wrote. */
export function readText(buffer: SharedArrayBuffer, start = 0): string {
  const length = new DataView(buffer).getUint32(start);
  return decoder.decode(new Uint8Array(buffer, start + 4, length).slice());
}
