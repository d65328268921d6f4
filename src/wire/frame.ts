/**
 * Frames: a 16-byte prefix and one CBOR map whose tensors lie aligned.
 *
 * @module
 */

import { bytesOf } from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import { BYTE_STRING, CborWriter, MAP, TAG } from "./cbor_writer.ts";
import {
  checkMessage,
  isBulk,
  isMessageCode,
  type MessageCode,
  messageName,
  mostBytes,
  unknownCode,
} from "./message_code.ts";
import { DEFAULT_LIMITS, FIELDS_BYTES, type WireLimits } from "./limits.ts";
import type { Message } from "./messages.ts";
import {
  BYTES_TAG,
  FLOAT32_TAG,
  readBody,
  type Tensor,
  TENSOR_ALIGNMENT,
  UINT32_TAG,
} from "./body_reader.ts";

/** The first four bytes of every frame, "FLab", read as a little-endian number. */
export const MAGIC = 0x62614C46;
/** Version of the protocol. */
export const PROTOCOL_VERSION = 1;
/** Bytes of a frame before its body. */
export const PREFIX_BYTES = 16;
/** Content of a frame's prefix. */
export interface FrameHeader {
  /** The message's code. */
  readonly code: MessageCode;
  /** Bytes of the body. */
  readonly bodyLength: number;
}

function isTensor(value: unknown): value is Tensor {
  return value instanceof Float32Array || value instanceof Uint8Array ||
    value instanceof Uint32Array;
}

function tagOf(tensor: Tensor): number {
  if (tensor instanceof Float32Array) return FLOAT32_TAG;
  return tensor instanceof Uint32Array ? UINT32_TAG : BYTES_TAG;
}

/** Most keys of a body's map. */
const MAX_KEYS = 23;

const writer = new CborWriter();

/**
 * Encodes a message as the pieces of one frame, to be written one after the other.
 *
 * Tensors are not copied: the piece of each is a view on the vector, which must not change before
 * the piece is written.
 *
 * @throws {ProtocolError} If a message that carries a vector has more than
 * {@linkcode FIELDS_BYTES} of other fields: "frame-too-large".
 * @throws {RangeError} If the body would have more than 23 keys.
 * @throws {Error} If a value is nested and `loadEncoder()` was not awaited. Importing
 * `@fedlab/core/wire` awaits it.
 */
export function encodeFrame(message: Message): Uint8Array<ArrayBuffer>[] {
  const { code, payload } = message;
  const values: Readonly<Record<string, unknown>> = { ...payload };
  const names = Object.keys(values);
  let keys = 0;
  for (const name of names) {
    const value = values[name];
    if (value !== undefined) keys += isTensor(value) ? 2 : 1;
  }
  if (keys > MAX_KEYS) {
    throw new RangeError(
      `Cannot send ${messageName(code)}: expected at most ${MAX_KEYS} keys, got ${keys}`,
    );
  }

  writer.begin(PREFIX_BYTES);
  writer.head(MAP, keys);
  for (const name of names) {
    const value = values[name];
    if (value === undefined || isTensor(value)) continue;
    writer.item(name);
    writer.item(value);
  }
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let fieldBytes = -PREFIX_BYTES;
  let tensorBytes = 0;
  for (const name of names) {
    const tensor = values[name];
    if (!isTensor(tensor)) continue;
    writer.item(pieces.length === 0 ? "pad" : `pad${pieces.length / 2 + 1}`);
    const pad = writer.length;
    writer.head(BYTE_STRING, 0);
    writer.item(name);
    writer.head(TAG, tagOf(tensor));
    writer.head(BYTE_STRING, tensor.byteLength);
    const before = fieldBytes + tensorBytes + writer.length;
    writer.lengthen(pad, (TENSOR_ALIGNMENT - before % TENSOR_ALIGNMENT) % TENSOR_ALIGNMENT);
    fieldBytes += writer.length;
    tensorBytes += tensor.byteLength;
    pieces.push(writer.take(), bytesOf(tensor));
  }
  if (pieces.length === 0) {
    fieldBytes += writer.length;
    pieces.push(writer.take());
  }
  if (isBulk(code) && fieldBytes > FIELDS_BYTES) {
    throw new ProtocolError(
      "frame-too-large",
      `Cannot send ${
        messageName(code)
      }: expected at most ${FIELDS_BYTES} bytes of fields, got ${fieldBytes}`,
    );
  }
  writePrefix(pieces[0], code, fieldBytes + tensorBytes);
  return pieces;
}

function writePrefix(
  frame: Uint8Array<ArrayBuffer> | undefined,
  code: MessageCode,
  bodyLength: number,
): void {
  if (frame === undefined) return;
  const view = new DataView(frame.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, PROTOCOL_VERSION, true);
  view.setUint16(6, code, true);
  view.setBigUint64(8, BigInt(bodyLength), true);
}

/**
 * Checks that these bytes, at least 4 from the index `at` on, begin a frame.
 *
 * @throws {ProtocolError} If they do not: "bad-magic".
 */
export function checkMagic(bytes: Uint8Array, at = 0): void {
  if (uint32At(bytes, at) !== MAGIC) {
    throw new ProtocolError(
      "bad-magic",
      `Cannot read the frame: expected it to begin with 46 4c 61 62 ("FLab"), got ${
        [...bytes.subarray(at, at + 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
      }${isTls(bytes, at) ? ", which is TLS" : isHttp(bytes, at) ? ", which is HTTP" : ""}`,
    );
  }
}

/** Reads a little-endian number without a view, which each frame would leave behind. */
function uint32At(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0) << 16;
  return (low | (bytes[at + 3] ?? 0) << 24) >>> 0;
}

/** Reports whether the bytes begin a TLS handshake or alert (RFC 8446, section 5.1). */
function isTls(bytes: Uint8Array, at: number): boolean {
  return (bytes[at] === 22 || bytes[at] === 21) && bytes[at + 1] === 3;
}

/**
 * Reports whether the bytes begin an answer of an HTTP server, or a request for a page or a
 * WebSocket.
 */
function isHttp(bytes: Uint8Array, at: number): boolean {
  const start = String.fromCharCode(...bytes.subarray(at, at + 4));
  return start === "HTTP" || start === "GET ";
}

/**
 * Reads a frame's prefix of {@linkcode PREFIX_BYTES} bytes.
 *
 * @param at Index of its first byte.
 * @throws {ProtocolError} If it is not a prefix that this side understands and accepts:
 * "bad-magic", "unsupported-version", "unknown-code" or "frame-too-large".
 */
export function decodePrefix(
  bytes: Uint8Array,
  limits: WireLimits = DEFAULT_LIMITS,
  at = 0,
): FrameHeader {
  checkMagic(bytes, at);
  const versionAndCode = uint32At(bytes, at + 4), version = versionAndCode & 0xFFFF;
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError(
      "unsupported-version",
      `Cannot read the frame: expected protocol version ${PROTOCOL_VERSION}, got ${version}`,
    );
  }
  const code = versionAndCode >>> 16;
  if (!isMessageCode(code)) throw unknownCode(code);
  const bodyLength = uint32At(bytes, at + 8) + uint32At(bytes, at + 12) * 2 ** 32;
  const limit = Math.min(isBulk(code) ? limits.bulkBytes : limits.controlBytes, mostBytes(code));
  if (bodyLength > limit) {
    throw new ProtocolError(
      "frame-too-large",
      `Cannot read ${messageName(code)}: expected at most ${limit} bytes, got ${bodyLength}`,
    );
  }
  return { code, bodyLength };
}

/**
 * Reads a body. Tensors are views on `body`, not copies.
 *
 * @param body The bytes, which begin at a multiple of 8 in their buffer.
 * @throws {ProtocolError} If the body is not a message of this code: "malformed-body" or
 * "invalid-field"; "frame-too-large" if a message that carries a vector has more than
 * {@linkcode FIELDS_BYTES} of other fields.
 * @throws {RangeError} If the body is not aligned.
 */
export function decodeBody(code: MessageCode, body: Uint8Array<ArrayBuffer>): Message {
  if (body.byteOffset % TENSOR_ALIGNMENT !== 0) {
    throw new RangeError(
      `Cannot decode the body: expected it at a multiple of ${TENSOR_ALIGNMENT} in its buffer, got ${body.byteOffset}`,
    );
  }
  return checkMessage(code, readBody(body, isBulk(code) ? FIELDS_BYTES : Infinity));
}
