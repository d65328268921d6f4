/**
 * CBOR: items by cbor-x, and the heads that a frame writes itself.
 *
 * @module
 */

import { Decoder, Encoder } from "./deps.ts";

const CODEC_OPTIONS = {
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
  int64AsNumber: true,
} as const;

/** Major types of CBOR (RFC 8949, section 3.1). */
export const BYTE_STRING = 2, MAP = 5, TAG = 6;

let encoder: Encoder | undefined;
let decoder: Decoder | undefined;

/** Encodes one data item. */
export function encodeItem(value: unknown): Uint8Array {
  return (encoder ??= new Encoder(CODEC_OPTIONS)).encode(value);
}

/** Decodes the only data item of these bytes. */
export function decodeItem(bytes: Uint8Array): unknown {
  return (decoder ??= new Decoder(CODEC_OPTIONS)).decode(bytes);
}

/**
 * Encodes the head of a data item: its major type, and a length, a count or a tag.
 *
 * cbor-x encodes a map and an array of bytes only as a whole. A frame's map has tensors among its
 * values, whose bytes are not copied, so the frame writes these heads itself.
 */
export function encodeHead(majorType: number, argument: number): Uint8Array<ArrayBuffer> {
  const type = majorType << 5;
  if (argument < 24) return Uint8Array.of(type | argument);
  if (argument < 0x100) return Uint8Array.of(type | 24, argument);
  const size = argument < 0x10000 ? 2 : argument < 0x100000000 ? 4 : 8;
  const head = new DataView(new ArrayBuffer(1 + size));
  head.setUint8(0, type | (size === 2 ? 25 : size === 4 ? 26 : 27));
  if (size === 2) head.setUint16(1, argument);
  else if (size === 4) head.setUint32(1, argument);
  else head.setBigUint64(1, BigInt(argument));
  return new Uint8Array(head.buffer);
}
