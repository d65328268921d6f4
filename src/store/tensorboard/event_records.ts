/**
 * Event messages and their frames, by TensorFlow's `event.proto`, `summary.proto` and
 * `record_writer.h`.
 *
 * @module
 */

import { concat } from "../../base/bytes.ts";

/** Polynomial of CRC-32C, its bits in reverse. */
const CASTAGNOLI = 0x82f63b78;

/** Constant of the mask that keeps a checksum sound for data that contain checksums. */
const MASK_DELTA = 0xa282ead8;

/** Wire types of protobuf fields. */
const VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >>> 1 ^ CASTAGNOLI : rest >>> 1;
  return rest;
});

/** Computes the checksum of a TFRecord: CRC-32C (RFC 3720, B.4), rotated and masked. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ crc >>> 8;
  crc = ~crc;
  return (crc >>> 15 | crc << 17) + MASK_DELTA >>> 0;
}

/** Frames a record: length, its checksum, data, their checksum. Numbers are little-endian. */
export function tfRecord(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(12 + data.length + 4);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(frame.subarray(0, 8)), true);
  frame.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return frame;
}

/** Encodes the event that begins a file. */
export function versionEvent(seconds: number): Uint8Array {
  return concat([field(1, FIXED64, float64(seconds)), text(3, "brain.Event:2")]);
}

/** Encodes the scalars of a step. */
export function scalarEvent(
  step: number,
  scalars: Readonly<Record<string, number>>,
  seconds: number,
): Uint8Array {
  const values = Object.entries(scalars).map(([tag, value]) =>
    bytes(1, concat([text(1, tag), field(2, FIXED32, float32(value))]))
  );
  return concat([
    field(1, FIXED64, float64(seconds)),
    field(2, VARINT, varint(step)),
    bytes(5, concat(values)),
  ]);
}

/** Encodes a start at a step. A reader then drops the values of this step and later ones. */
export function startEvent(step: number, seconds: number): Uint8Array {
  return concat([
    field(1, FIXED64, float64(seconds)),
    field(2, VARINT, varint(step)),
    // SessionLog, whose status is START.
    bytes(7, field(1, VARINT, varint(1))),
  ]);
}

function field(number: number, type: number, value: Uint8Array): Uint8Array {
  return concat([varint(number << 3 | type), value]);
}

function bytes(number: number, value: Uint8Array): Uint8Array {
  return field(number, BYTES, concat([varint(value.length), value]));
}

function text(number: number, value: string): Uint8Array {
  return bytes(number, new TextEncoder().encode(value));
}

/** Encodes a natural number in groups of seven bits, the lowest first. */
function varint(value: number): Uint8Array {
  const groups: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) groups.push(value % 128 + 128);
  return Uint8Array.of(...groups, value);
}

function float64(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return new Uint8Array(view.buffer);
}

function float32(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  return new Uint8Array(view.buffer);
}
