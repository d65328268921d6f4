/**
 * A stand-in for `Buffer` where there is none, for `csv_parse.ts`.
 *
 * @module
 */

/** True if there is a stand-in to remove. */
export const isLent: boolean = !("Buffer" in globalThis);

if (isLent) {
  const value = { from: (bytes: ArrayLike<number>) => Uint8Array.from(bytes) };
  Object.defineProperty(globalThis, "Buffer", { value, configurable: true });
}
