/**
 * Puts a piece after the first `length` bytes of an array, or of a larger one. The array returned
 * has place for one more byte.
 */
export function withPiece(bytes: Uint8Array, length: number, piece: Uint8Array): Uint8Array {
  const needed = length + piece.length + 1;
  let all = bytes;
  if (needed > bytes.length) {
    all = new Uint8Array(Math.max(needed, 2 * bytes.length));
    all.set(bytes.subarray(0, length));
  }
  all.set(piece, length);
  return all;
}

/** Returns true if bytes from a place on are those wanted. */
export function startsWith(bytes: Uint8Array, wanted: Uint8Array, place: number): boolean {
  return wanted.every((byte, i) => bytes[place + i] === byte);
}
