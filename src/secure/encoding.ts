import { concat } from "../base/bytes.ts";
import type { Bytes } from "./primitives.ts";

const utf8 = new TextEncoder();

/** Encodes a whole number below 2^32 as four bytes, little-endian. */
export function u32(value: number): Bytes {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** Encodes a whole number below 2^53 as eight bytes, little-endian. */
export function u64(value: number): Bytes {
  return concat([u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32))]);
}

/** Encodes a text in UTF-8, after the number of its bytes. */
export function text(value: string): Bytes {
  const bytes = utf8.encode(value);
  return concat([u32(bytes.length), bytes]);
}

/** Encodes a text in UTF-8, without its length: one of a fixed set. */
export function label(value: string): Bytes {
  return utf8.encode(value);
}

/** Reads a whole number of four bytes, little-endian. */
export function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
}
