/**
 * CBOR by cbor-x.
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
