/** Copies a quoted field, with one quote for each two. */
export function withoutDoubledQuotes(
  bytes: Uint8Array,
  start: number,
  end: number,
  quote: number,
): Uint8Array {
  const field = new Uint8Array(end - start);
  let used = 0;
  for (let i = start; i < end; i++) {
    field[used++] = bytes[i] ?? 0;
    if (bytes[i] === quote) i++;
  }
  return field.subarray(0, used);
}
