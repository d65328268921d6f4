/**
 * A stand-in for `Buffer` where there is none, for `csv_parse.ts`.
 *
 * @module
 */

/** True if `Buffer` is the stand-in, which `remove_buffer.ts` removes. */
export const isStandIn: boolean = !("Buffer" in globalThis);

if (isStandIn) {
  const value = { from: (bytes: ArrayLike<number>) => Uint8Array.from(bytes) };
  Object.defineProperty(globalThis, "Buffer", { value, configurable: true });
}
