/**
 * DER, the binary form of certificates: tag, length, content (ITU-T X.690).
 *
 * @module
 */

import { concat } from "../../base/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Tags of the types that certificates use. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Encodes a value with a tag. */
export function tagged(tag: number, ...content: readonly Bytes[]): Bytes {
  const bytes = concat(content);
  return concat([new Uint8Array([tag, ...lengthOf(bytes.length)]), bytes]);
}

/** Encodes a context-specific value that contains others. */
export function explicit(number: number, ...content: readonly Bytes[]): Bytes {
  return tagged(0xa0 | number, ...content);
}

/** Encodes a sequence. */
export function sequence(...content: readonly Bytes[]): Bytes {
  return tagged(TAG.sequence, ...content);
}

/** Encodes a set of one value. */
export function setOf(content: Bytes): Bytes {
  return tagged(TAG.set, content);
}

/** Encodes `true`. */
export function yes(): Bytes {
  return tagged(TAG.boolean, new Uint8Array([0xff]));
}

/** Encodes a whole number of any size, not negative, big-endian. */
export function integer(bytes: Uint8Array): Bytes {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? new Uint8Array(1) : bytes.slice(first);
  // A leading bit would make it negative.
  const sign = (digits[0] ?? 0) >= 0x80 ? [new Uint8Array(1)] : [];
  return tagged(TAG.integer, ...sign, digits);
}

/** Encodes bits, of which the last `unused` do not count. */
export function bitString(bytes: Bytes, unused = 0): Bytes {
  return tagged(TAG.bitString, new Uint8Array([unused]), bytes);
}

/** Encodes bytes. */
export function octetString(bytes: Bytes): Bytes {
  return tagged(TAG.octetString, bytes);
}

/** Encodes text. */
export function utf8(text: string): Bytes {
  return tagged(TAG.utf8, new TextEncoder().encode(text));
}

/** Encodes an object identifier, such as `"2.5.29.17"`. */
export function oid(text: string): Bytes {
  const [first = 0, second = 0, ...others] = text.split(".").map(Number);
  return tagged(TAG.oid, new Uint8Array([first * 40 + second, ...others].flatMap(base128)));
}

/** Encodes a time, to the second; from 2050 on in the longer form (RFC 5280, section 4.1.2.5). */
export function time(unixMillis: number): Bytes {
  const digits = new Date(unixMillis).toISOString().replaceAll(/\D/g, "").slice(0, 14);
  const isShort = Number(digits.slice(0, 4)) < 2050;
  const text = new TextEncoder().encode(`${isShort ? digits.slice(2) : digits}Z`);
  return tagged(isShort ? TAG.utcTime : TAG.generalizedTime, text);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const digits: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) digits.unshift(left % 256);
  return [0x80 | digits.length, ...digits];
}

function base128(number: number): number[] {
  const digits = [number % 128];
  for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
    digits.unshift(0x80 | left % 128);
  }
  return digits;
}
