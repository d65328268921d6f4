import { BadMessageError, CloseCode, textMessage } from "./_message.ts";

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

/** Most bytes that the head of a client's frame has. */
export const MOST_HEAD_BYTES = 14;
/** Most bytes in a control frame. */
export const MOST_CONTROL_BYTES = 125;

/** The head of a frame that a client sent. */
export interface FrameHead {
  readonly opcode: Opcode;
  /** Whether it is the last one of its message. */
  readonly isFinal: boolean;
  /** Bytes of the payload. */
  readonly length: number;
  /** The four bytes of the key as a little-endian u32. */
  readonly mask: number;
  /** Bytes of this head. */
  readonly headBytes: number;
}

/** Whether a frame is one that may stand between the fragments of a message. */
export function isControl(opcode: Opcode): boolean {
  return opcode >= Opcode.Close;
}

/**
 * Reads the head of a client's frame that begins there; `undefined` when not all of it has come.
 *
 * Throws a `ProtocolError` "bad-message" as soon as what has come cannot become a frame that a client may send: for reserved bits, an unknown opcode, a
 * text, a frame without a mask, a control frame that is long or a fragment, and a length that is not written in the fewest bytes.
 */
export function parseFrameHead(bytes: Uint8Array<ArrayBuffer>): FrameHead | undefined {
  const [first, second] = bytes;
  if (first === undefined) return undefined;
  const opcode = first & 0x0f;
  const isFinal = (first & 0x80) !== 0;
  if ((first & 0x70) !== 0) throw bits("no reserved bits", first);
  if (!isOpcode(opcode)) throw bits("a known opcode", opcode);
  if (opcode === Opcode.Text) throw textMessage();
  if (isControl(opcode) && !isFinal) {
    throw new BadMessageError("a whole control frame", "a fragment");
  }
  if (second === undefined) return undefined;
  if ((second & 0x80) === 0) throw new BadMessageError("a masked frame", "one without a mask");
  const short = second & 0x7f;
  if (isControl(opcode) && short > MOST_CONTROL_BYTES) {
    throw new BadMessageError(`at most ${MOST_CONTROL_BYTES} bytes in a control frame`, "more");
  }
  const headBytes = 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + 4;
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  return {
    opcode,
    isFinal,
    length: short < 126 ? short : lengthOf(view, short),
    mask: view.getUint32(headBytes - 4, true),
    headBytes,
  };
}

/** The head of a frame that a server sends, whole and without a mask; writes it and returns its length. */
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

function lengthOf(view: DataView, short: number): number {
  const [length, least] = short === 126
    ? [view.getUint16(2), 126]
    : [view.getUint32(2) * 2 ** 32 + view.getUint32(6), 0x1_0000];
  if (length < least) {
    throw new BadMessageError(
      "a length in the fewest bytes",
      `${length} in ${short - 126 ? 8 : 2}`,
    );
  }
  if (length >= 2 ** 63) {
    throw new BadMessageError("a length below 2^63", "more", CloseCode.MessageTooBig);
  }
  return length;
}

function isOpcode(value: number): value is Opcode {
  return Object.values(Opcode).some((one) => one === value);
}

function bits(expected: string, got: number): BadMessageError {
  return new BadMessageError(expected, `0x${got.toString(16)}`);
}
