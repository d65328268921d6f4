import type { Random } from "../../mod.ts";
import { requestOf } from "../helpers/raw_websocket.ts";
import { type Bytes, concat, noise, pick } from "./frames.ts";

/**
 * Data in one message, at most: more than a peer is granted before it was heard would be refused.
 */
const MOST_DATA = 16 * 1024;
const HEAD_BYTES = 4;

/** A frame as a client may send it, or not. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly isFinal?: boolean;
  /** The three bits that stand for extensions. */
  readonly reserved?: number;
  /** The key; none for a frame that is not masked. */
  readonly mask?: Uint8Array | undefined;
  /** Length that the head says. Default: the payload's. */
  readonly length?: bigint;
  /** Bytes that the length is written in. Default: the fewest. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** The bytes of a frame (RFC 6455, section 5.2). */
export function frameBytes(frame: Frame): Bytes {
  const { opcode, payload, isFinal = true, reserved = 0, mask } = frame;
  const { length = BigInt(payload.length) } = frame;
  const { lengthBytes = length < 126n ? 0 : length < 0x1_0000n ? 2 : 8 } = frame;
  const head = new DataView(new ArrayBuffer(2 + lengthBytes));
  head.setUint8(0, (isFinal ? 0x80 : 0) | (reserved & 7) << 4 | opcode & 15);
  const short = lengthBytes === 0 ? Number(length & 0x7fn) : lengthBytes === 2 ? 126 : 127;
  head.setUint8(1, (mask === undefined ? 0 : 0x80) | short);
  if (lengthBytes === 2) head.setUint16(2, Number(length & 0xffffn));
  if (lengthBytes === 8) head.setBigUint64(2, length);
  const masked = mask === undefined
    ? payload
    : payload.map((byte, i) => byte ^ (mask[i % mask.length] ?? 0));
  return concat(new Uint8Array(head.buffer), mask ?? new Uint8Array(), masked);
}

/** A message's payload: what it grants, and data. */
export function granting(grant: number, data: Uint8Array = new Uint8Array()): Bytes {
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  head.setUint32(0, grant, true);
  return concat(new Uint8Array(head.buffer), data);
}

/** Data in sound messages, a frame each. */
export function messages(random: Random, data: Uint8Array, isMasked = true): Bytes {
  const frames: Bytes[] = [];
  for (let at = 0; at < data.length; at += MOST_DATA) {
    const payload = granting(at === 0 ? 100_000 : 0, data.subarray(at, at + MOST_DATA));
    frames.push(frameBytes({ opcode: 2, payload, mask: isMasked ? noise(random, 4) : undefined }));
  }
  return concat(...frames);
}

/**
 * Data in messages that are cut up as the rules allow: into fragments, empty ones too, with pings
 * and pongs between.
 */
export function fragmented(random: Random, data: Uint8Array, isMasked = true): Bytes[] {
  const frames: Bytes[] = [];
  const mask = () => isMasked ? pick(random, [noise(random, 4), new Uint8Array(4)]) : undefined;
  for (let at = 0; at < data.length;) {
    // No more messages than are granted at first, and no more fragments than a message may have.
    const drawn = Math.max(data.length / 30, random.below(pick(random, [3, 40, MOST_DATA])));
    const length = Math.min(data.length - at, MOST_DATA, Math.ceil(drawn) + 1);
    const payload = granting(pick(random, [1, 1000]), data.subarray(at, at + length));
    at += length;
    for (let from = 0, isFirst = true, isFinal = false; !isFinal; isFirst = false) {
      const drawn = random.below(pick(random, [4, payload.length + 1]));
      const to = Math.min(payload.length, from + Math.max(drawn, Math.floor(payload.length / 400)));
      isFinal = to === payload.length && random.below(4) > 0;
      const part = payload.subarray(from, to);
      frames.push(frameBytes({ opcode: isFirst ? 2 : 0, payload: part, isFinal, mask: mask() }));
      from = to;
      if (random.below(6) > 0) continue;
      const control = { opcode: pick(random, [9, 10]), payload: noise(random, random.below(126)) };
      frames.push(frameBytes({ ...control, mask: mask() }));
    }
  }
  return frames;
}

/** The bytes again, in pieces that have nothing to do with what they mean. */
export function pieces(random: Random, bytes: Bytes): Bytes[] {
  const all: Bytes[] = [];
  const most = pick(random, [2, 30, 1000, bytes.length + 1]);
  for (let at = 0; at < bytes.length;) {
    // Not as many as would take the case's time.
    const length = Math.max(1 + random.below(most), Math.ceil(bytes.length / 200));
    all.push(bytes.slice(at, at + length));
    at += length;
  }
  return all;
}

const LENGTHS = [0n, 1n, 3n, 125n, 126n, 127n, 0xffffn, 0x1_0000n, 262_148n, 262_149n, 2n ** 31n];
const HUGE_LENGTHS = [2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const GRANTS = [0, 0, 1, 1024, 4_128_768, 4_128_769, 4_194_304, 0xFFFF_FFFF];
/** What begins with a status that a WebSocket may be closed with, one that it may not, or none. */
const STATUSES = [0, 999, 1000, 1001, 1004, 1005, 1006, 1014, 1015, 2999, 3000, 4999, 5000, 65_535];

function anyPayload(random: Random, opcode: number): Uint8Array {
  if (opcode === 8 && random.below(4) > 0) {
    const status = new DataView(new ArrayBuffer(2));
    status.setUint16(0, pick(random, STATUSES));
    return concat(new Uint8Array(status.buffer), noise(random, random.below(124)));
  }
  if (random.below(2) === 0) return noise(random, random.below(pick(random, [4, 130, 3000])));
  return granting(pick(random, GRANTS), noise(random, random.below(300)));
}

/** Frames of which each field may be anything. */
export function anyFrames(random: Random, isMasked = true): Bytes {
  const frames: Bytes[] = [];
  for (let n = 1 + random.below(8); n > 0; n--) {
    const opcode = pick(random, [2, 2, 2, 0, 0, 8, 9, 10, random.below(16)]);
    const payload = anyPayload(random, opcode);
    const isOdd = random.below(5) === 0;
    frames.push(frameBytes({
      opcode,
      payload,
      isFinal: random.below(3) > 0,
      reserved: random.below(12) === 0 ? random.below(8) : 0,
      mask: (random.below(12) === 0) !== isMasked ? noise(random, 4) : undefined,
      ...(isOdd && { length: pick(random, [...LENGTHS, ...HUGE_LENGTHS]) }),
      ...(random.below(8) === 0 && { lengthBytes: pick(random, [0, 2, 8] as const) }),
    }));
  }
  return concat(...frames);
}

/** Lines that a request may have in place of its own, or besides. */
const HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ["Host", ["", "a b", "127.0.0.1:99999", "[::1", "evil.example", "a, b", "xn--", "-", "\u00ff"]],
  ["Upgrade", ["", "h2c", "WEBSOCKET", "websocket, h2c", "web socket"]],
  ["Connection", ["", "close", "keep-alive, UPGRADE", ",,,Upgrade,", "upgrade;q=1"]],
  ["Sec-WebSocket-Version", ["", "12", "013", "13, 8", "-13", "1e1", "13.0"]],
  ["Sec-WebSocket-Key", ["", "short", "=".repeat(24), "A".repeat(24), "A".repeat(5000)]],
  ["Sec-WebSocket-Protocol", ["", "fedlab.v2", "x, fedlab.v1", "FEDLAB.V1", "fedlab.v1 fedlab.v1"]],
  ["Sec-WebSocket-Extensions", ["permessage-deflate", 'x; y="', "a".repeat(300)]],
  ["Origin", [
    "null",
    "http://evil.example",
    "http://127.0.0.1",
    "file://",
    "http://[",
    "http://a b",
  ]],
  ["Sec-Fetch-Mode", ["websocket", ""]],
  ["Content-Length", ["0", "5", "-1", "0x10", "5, 5", "99999999999999999999"]],
  ["Transfer-Encoding", ["chunked", "identity", "chunked, gzip"]],
  ["Expect", ["100-continue"]],
  ["__proto__", ["x"]],
  ["X\u0000", ["nul"]],
  ["X Y", ["a space"]],
  ["", ["no name"]],
  ["X", [
    "a\tb",
    "a\u0001b",
    "a\r\n folded",
    "a\nSec-WebSocket-Key: x",
    "\u007f",
    "y".repeat(9000),
  ]],
];

const FIRST_LINES = [
  "GET /federation HTTP/1.0",
  "GET /federation HTTP/2.0",
  "GET /federation HTTP/1.1 ",
  "GET  /federation HTTP/1.1",
  "get /federation HTTP/1.1",
  "POST /federation HTTP/1.1",
  "CONNECT 127.0.0.1:80 HTTP/1.1",
  "GET http://127.0.0.1/federation HTTP/1.1",
  "GET //evil.example/federation HTTP/1.1",
  "GET /federation/../federation HTTP/1.1",
  "GET /%66ederation?x=1#y HTTP/1.1",
  "GET /federation%00 HTTP/1.1",
  "GET * HTTP/1.1",
  "GET /\u00ff HTTP/1.1",
  "PRI * HTTP/2.0",
  "",
];

/** A request with lines that are odd, doubled or left out. */
export function anyRequest(random: Random, path: string): Bytes {
  const headers: Record<string, string | undefined> = {};
  let extra = "";
  for (let n = 1 + random.below(3); n > 0; n--) {
    const [name, values] = pick(random, HEADERS);
    const value = pick(random, values);
    // A name that is there already may stand twice.
    if (random.below(3) === 0) extra += `${name}: ${value}\r\n`;
    else headers[name] = random.below(4) === 0 ? undefined : value;
  }
  const first = random.below(4) === 0 ? pick(random, FIRST_LINES) : `GET ${path} HTTP/1.1`;
  const text = requestOf(path, headers, first);
  return latin1(extra === "" ? text : text.replace("\r\n", `\r\n${extra}`));
}

/** A request that is upgraded. */
export function soundRequest(path: string): Bytes {
  return latin1(requestOf(path));
}

function latin1(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}
