import { BadMessageError, CloseCode, textMessage } from "./message.ts";

/** Kinds of frames (RFC 6455, section 5.2). */
export const Opcode = {
  Continuation: 0,
  Text: 1,
  Binary: 2,
  Close: 8,
  Ping: 9,
  Pong: 10,
} as const;

/** Kind of a frame. */
export type Opcode = typeof Opcode[keyof typeof Opcode];

const OPCODES: ReadonlySet<number> = new Set(Object.values(Opcode));

/** Most bytes in a control frame. */
export const MOST_CONTROL_BYTES = 125;

/** The head of a frame that a client sent. */
export interface FrameHead {
  readonly opcode: Opcode;
  /** True if it is the last frame of its message. */
  readonly isFinal: boolean;
  /** Bytes of the payload. */
  readonly length: number;
  /** The four bytes of the key as a little-endian u32. */
  readonly mask: number;
  /** Bytes of this head. */
  readonly headBytes: number;
}

/** Returns true for a control frame, which may stand between the fragments of a message. */
export function isControl(opcode: Opcode): boolean {
  return opcode >= Opcode.Close;
}

/**
 * Reads the head of a client's frame that begins at `start`, of what has come up to `end`;
 * `undefined` when not all of it has.
 *
 * Throws a `ProtocolError` "bad-message" as soon as what has come cannot become a frame that a
 * client may send: for reserved bits, an unknown opcode, a text, a frame without a mask, a control
 * frame that is long or a fragment, and a length that is not written in the fewest bytes.
 */
export function parseFrameHead(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  end: number,
): FrameHead | undefined {
  if (start >= end) return undefined;
  const first = bytes[start] ?? 0, second = bytes[start + 1] ?? 0;
  const opcode = first & 0x0f;
  const isFinal = (first & 0x80) !== 0;
  if ((first & 0x70) !== 0) throw bits("no reserved bits", first);
  if (!isOpcode(opcode)) throw bits("a known opcode", opcode);
  if (opcode === Opcode.Text) throw textMessage();
  if (isControl(opcode) && !isFinal) {
    throw new BadMessageError("a whole control frame", "a fragment");
  }
  if (start + 1 >= end) return undefined;
  if ((second & 0x80) === 0) throw new BadMessageError("a masked frame", "one without a mask");
  const short = second & 0x7f;
  if (isControl(opcode) && short > MOST_CONTROL_BYTES) {
    throw new BadMessageError(`at most ${MOST_CONTROL_BYTES} bytes in a control frame`, "more");
  }
  const headBytes = 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + 4;
  if (end - start < headBytes) return undefined;
  let mask = 0;
  for (let i = 1; i <= 4; i++) mask = mask << 8 | (bytes[start + headBytes - i] ?? 0);
  const length = short < 126 ? short : lengthOf(bytes, start + 2, short === 126 ? 2 : 8);
  return { opcode, isFinal, length, mask, headBytes };
}

/**
 * The head of a frame that a server sends, whole and without a mask; writes it and returns its
 * length.
 */
export function writeFrameHead(into: DataView, opcode: Opcode, length: number): number {
  into.setUint8(0, 0x80 | opcode);
  if (length < 126) {
    into.setUint8(1, length);
    return 2;
  }
  if (length <= 0xffff) {
    into.setUint8(1, 126);
    into.setUint16(2, length);
    return 4;
  }
  into.setUint8(1, 127);
  into.setBigUint64(2, BigInt(length));
  return 10;
}

function lengthOf(bytes: Uint8Array<ArrayBuffer>, at: number, lengthBytes: 2 | 8): number {
  let length = 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + i] ?? 0);
  if (length < (lengthBytes === 2 ? 126 : 0x1_0000)) {
    throw new BadMessageError("a length in the fewest bytes", `${length} in ${lengthBytes}`);
  }
  if (length >= 2 ** 63) {
    throw new BadMessageError("a length below 2^63", "more", CloseCode.MessageTooBig);
  }
  return length;
}

function isOpcode(value: number): value is Opcode {
  return OPCODES.has(value);
}

function bits(expected: string, got: number): BadMessageError {
  return new BadMessageError(expected, `0x${got.toString(16)}`);
}
