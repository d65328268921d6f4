/** Copies the listed rows of `width` values each. */
export function copyRows<T extends Int32Array | Float32Array | Uint8Array>(
  values: T,
  rows: ArrayLike<number>,
  width: number,
): T {
  const Kind = [Int32Array, Uint8Array].find((kind) => values instanceof kind) ?? Float32Array;
  const copy = new Kind(rows.length * width) as T;
  for (let i = 0; i < rows.length; i++) {
    const start = (rows[i] ?? 0) * width;
    if (width === 1) copy[i] = values[start] ?? 0;
    else copy.set(values.subarray(start, start + width), i * width);
  }
  return copy;
}
