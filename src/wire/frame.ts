/**
 * Frames: a 16-byte prefix and one CBOR map whose tensors lie aligned.
 *
 * @module
 */

import { errorMessage, ProtocolError } from "../base/errors.ts";
import { checkMessage } from "./schemas.ts";
import { checkWellFormed, FLOAT32_TAG, TENSOR_ALIGNMENT } from "./well_formed.ts";
import { Decoder, Encoder } from "./deps.ts";
import { isBulk, isMessageCode, type MessageCode, messageName } from "./message_code.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Message } from "./messages.ts";

/** The first four bytes of every frame, "FLab", read as a little-endian number. */
export const MAGIC = 0x62614C46;
/** Version of the protocol. */
export const PROTOCOL_VERSION = 1;
/** Bytes of a frame before its body. */
export const PREFIX_BYTES = 16;
/** Most that a body holds besides its tensors. */
export const FIELDS_BYTES = 65_536;

/** How long a body may be. */
export interface WireLimits {
  /** Bytes of a body that carries a vector (`ParameterUpdate`, `GradientUpdate`, `EvaluateParams`). */
  readonly bulkBytes: number;
  /** Bytes of any other body. */
  readonly controlBytes: number;
}

/** 2 GiB for a body that carries a vector, 1 MiB for any other. */
export const DEFAULT_LIMITS: WireLimits = { bulkBytes: 2 ** 31, controlBytes: 2 ** 20 };

/** What a frame's prefix says. */
export interface FrameHeader {
  /** The message's code. */
  readonly code: MessageCode;
  /** Bytes of the body. */
  readonly bodyLength: number;
}

const codecOptions = {
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
  int64AsNumber: true,
} as const;
/** First byte of a CBOR map, to which the number of keys is added. */
const MAP_HEAD = 0xA0;
/** Most keys whose number fits into that byte. */
const MAX_KEYS = 23;
let encoder: Encoder | undefined;
let decoder: Decoder | undefined;

/** Head of a CBOR byte or text string of the given major type. */
function stringHead(major: 2 | 3, length: number): Uint8Array<ArrayBuffer> {
  const type = major << 5;
  if (length < 24) return Uint8Array.of(type | length);
  if (length < 0x100) return Uint8Array.of(type | 24, length);
  const head = new DataView(new ArrayBuffer(length < 0x10000 ? 3 : length < 0x100000000 ? 5 : 9));
  if (head.byteLength === 3) head.setUint16(1, length);
  else if (head.byteLength === 5) head.setUint32(1, length);
  else head.setBigUint64(1, BigInt(length));
  head.setUint8(0, type | (head.byteLength === 3 ? 25 : head.byteLength === 5 ? 26 : 27));
  return new Uint8Array(head.buffer);
}

function bytesOf(view: ParameterVector): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * A message as the pieces of one frame, to be written one after the other. A tensor is not copied: its piece is a view on the vector, which
 * must not change before the piece is written.
 *
 * Throws a `ProtocolError` "frame-too-large" when the fields besides the tensors are more than {@linkcode FIELDS_BYTES} in a message
 * that carries a vector, and a `RangeError` for more than 23 keys.
 */
export function encodeFrame(message: Message): Uint8Array<ArrayBuffer>[] {
  const fields: Record<string, unknown> = {};
  const tensors: [string, ParameterVector][] = [];
  for (const [name, value] of Object.entries(message.payload)) {
    if (value instanceof Float32Array) tensors.push([name, value as ParameterVector]);
    else if (value !== undefined) fields[name] = value;
  }
  encoder ??= new Encoder(codecOptions);
  // The encoder's result lies in its pool, which the next call writes over.
  const map = new Uint8Array(encoder.encode(fields));
  const count = Object.keys(fields).length + 2 * tensors.length;
  if (count > MAX_KEYS) {
    throw new RangeError(
      `Cannot send ${messageName(message.code)}: expected at most ${MAX_KEYS} keys, got ${count}`,
    );
  }
  map[0] = MAP_HEAD + count;

  const prefix = new Uint8Array(PREFIX_BYTES);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let head: Uint8Array[] = [prefix, map];
  let length = map.length;
  const text = new TextEncoder();
  for (const [index, [name, tensor]] of tensors.entries()) {
    const pad = text.encode(index === 0 ? "pad" : `pad${index + 1}`);
    const key = text.encode(name);
    const fixed = [stringHead(3, pad.length), pad];
    const last = [
      stringHead(3, key.length),
      key,
      Uint8Array.of(0xD8, FLOAT32_TAG),
      stringHead(2, tensor.byteLength),
    ];
    const before = [...fixed, ...last].reduce((sum, part) => sum + part.length, length + 1);
    const padding = (TENSOR_ALIGNMENT - before % TENSOR_ALIGNMENT) % TENSOR_ALIGNMENT;
    head.push(...fixed, stringHead(2, padding), new Uint8Array(padding), ...last);
    pieces.push(concat(head), bytesOf(tensor));
    head = [];
    length = before + padding + tensor.byteLength;
  }
  if (head.length > 0) pieces.push(concat(head));
  const vectors = tensors.reduce((sum, [, tensor]) => sum + tensor.byteLength, 0);
  if (isBulk(message.code) && length - vectors > FIELDS_BYTES) {
    throw new ProtocolError(
      "frame-too-large",
      `Cannot send ${
        messageName(message.code)
      }: expected at most ${FIELDS_BYTES} bytes of fields, got ${length - vectors}`,
    );
  }
  const view = new DataView((pieces[0] ?? prefix).buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, PROTOCOL_VERSION, true);
  view.setUint16(6, message.code, true);
  view.setBigUint64(8, BigInt(length), true);
  return pieces;
}

/** Makes sure that these bytes, at least 4, begin a frame. Throws a `ProtocolError` "bad-magic". */
export function checkMagic(bytes: Uint8Array): void {
  const magic = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (magic !== MAGIC) {
    throw new ProtocolError(
      "bad-magic",
      `Cannot read the frame: expected it to begin with 46 4c 61 62 ("FLab"), got ${
        [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
      }${isTls(bytes) ? ", which is TLS" : isHttp(bytes) ? ", which is HTTP" : ""}`,
    );
  }
}

/** Whether the bytes begin a TLS handshake or alert (RFC 8446, section 5.1). */
function isTls(bytes: Uint8Array): boolean {
  return (bytes[0] === 22 || bytes[0] === 21) && bytes[1] === 3;
}

/** Whether the bytes begin an answer of an HTTP server, or a request for a page or a WebSocket. */
function isHttp(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  return start === "HTTP" || start === "GET ";
}

/**
 * Reads a frame's prefix of {@linkcode PREFIX_BYTES} bytes.
 *
 * Throws a `ProtocolError` "bad-magic", "unsupported-version", "unknown-code" or "frame-too-large".
 */
export function decodePrefix(prefix: Uint8Array, limits: WireLimits = DEFAULT_LIMITS): FrameHeader {
  checkMagic(prefix);
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  const version = view.getUint16(4, true);
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError(
      "unsupported-version",
      `Cannot read the frame: expected protocol version ${PROTOCOL_VERSION}, got ${version}`,
    );
  }
  const code = view.getUint16(6, true);
  if (!isMessageCode(code)) {
    throw new ProtocolError(
      "unknown-code",
      `Cannot read the frame: expected a message code from 0 to 11, got ${code}`,
    );
  }
  const bodyLength = Number(view.getBigUint64(8, true));
  const limit = isBulk(code) ? limits.bulkBytes : limits.controlBytes;
  if (bodyLength > limit) {
    throw new ProtocolError(
      "frame-too-large",
      `Cannot read ${messageName(code)}: expected at most ${limit} bytes, got ${bodyLength}`,
    );
  }
  return { code, bodyLength };
}

/**
 * Reads a body. Tensors are views on `body`, not copies; `body` must begin at a multiple of 8 in its buffer.
 *
 * Throws a `ProtocolError` "malformed-body" or "invalid-field", "frame-too-large" for a message
 * that carries a vector and has more than {@linkcode FIELDS_BYTES} besides, and a `RangeError` for
 * a body that is not aligned.
 */
export function decodeBody(code: MessageCode, body: Uint8Array<ArrayBuffer>): Message {
  if (body.byteOffset % TENSOR_ALIGNMENT !== 0) {
    throw new RangeError(
      `Cannot decode the body: expected it at a multiple of ${TENSOR_ALIGNMENT} in its buffer, got ${body.byteOffset}`,
    );
  }
  checkWellFormed(body, isBulk(code) ? FIELDS_BYTES : Infinity);
  decoder ??= new Decoder(codecOptions);
  let map: unknown;
  try {
    map = decoder.decode(body);
  } catch (cause) {
    throw new ProtocolError("malformed-body", `Cannot read the body: ${errorMessage(cause)}`, {
      cause,
    });
  }
  return checkMessage(code, map);
}
