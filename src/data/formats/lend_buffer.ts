/**
 * csv-parse makes two `Buffer`s as it is loaded. A browser has none and could not load this package: while that module is loaded it
 * finds a stand-in, which `_take_buffer_back.ts` removes. (Its own edition for browsers does not run on Deno, which lacks `__proto__`.)
 *
 * @module
 */

/** Whether there is a stand-in to remove. */
export const isLent: boolean = !("Buffer" in globalThis);

if (isLent) {
  const value = { from: (bytes: ArrayLike<number>) => Uint8Array.from(bytes) };
  Object.defineProperty(globalThis, "Buffer", { value, configurable: true });
}
