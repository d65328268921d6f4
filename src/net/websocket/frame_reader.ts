import type { Channel } from "../transport.ts";
import { ByteQueue } from "./byte_queue.ts";
import { costOf, type Credit } from "./credit.ts";
import { type FrameHead, isControl, Opcode, parseFrameHead } from "./frame_head.ts";
import { BadMessageError, checkLength, CloseCode, HEAD_BYTES } from "./message.ts";
import { unmask } from "./unmask.ts";

/** Bytes read ahead: small messages come in together, in one read. */
const AHEAD_BYTES = 16 * 1024;
/** As long as a peer has sent no data, it costs no more than this. */
const FIRST_AHEAD_BYTES = 1024;
/** At least so many bytes of a frame go straight to where the reader wants them. */
const DIRECT_BYTES = 8 * 1024;
/**
 * Most frames of one message: an average of 256 bytes in the longest one. Fragments may be empty,
 * so their bytes alone would not bound them.
 */
export const MOST_FRAGMENTS = 1024;

/** The message that is coming in. */
interface Incoming {
  /** Bytes of its frames so far, as their heads say. */
  bytes: number;
  fragments: number;
  /** What the peer has paid for its data. */
  paid: number;
  grant: number;
  /** Bytes of the grant that have come. */
  grantBytes: number;
}

/**
 * Reads a client's frames from a channel: grants go to the credit, data to the reader. Every limit
 * is checked when a frame's head has come, before there is memory for its payload.
 */
export class FrameReader {
  readonly #source: Channel;
  readonly #credit: Credit;
  readonly #onPing: (payload: Uint8Array<ArrayBuffer>) => void;
  /** Data that came while nobody read. */
  readonly #queue = new ByteQueue();
  #ahead: Uint8Array<ArrayBuffer>;
  #aheadStart = 0;
  #aheadEnd: number;
  #frame: FrameHead | undefined;
  /** Bytes of the frame's payload that have come. */
  #frameAt = 0;
  #control = new Uint8Array();
  #message: Incoming | undefined;
  #fault: BadMessageError | undefined;
  #peerHasEnded = false;
  #isOver = false;
  #closeCode: number | undefined;
  #isPrompt = false;

  /**
   * A reader of the channel, from which `ahead` was read already. `onPing` is given a copy of what
   * a ping carries.
   */
  constructor(
    source: Channel,
    { credit, ahead, onPing }: {
      credit: Credit;
      ahead: Uint8Array<ArrayBuffer>;
      onPing: (payload: Uint8Array<ArrayBuffer>) => void;
    },
  ) {
    this.#source = source;
    this.#credit = credit;
    this.#onPing = onPing;
    this.#ahead = new Uint8Array(Math.max(FIRST_AHEAD_BYTES, ahead.length));
    this.#ahead.set(ahead);
    this.#aheadEnd = ahead.length;
  }

  /** Whether the peer has said that it will send no more data. */
  get peerHasEnded(): boolean {
    return this.#peerHasEnded;
  }

  /** Whether nothing more is to come: the peer has closed the WebSocket, or what it goes over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The status that the peer has closed with, if it gave one. */
  get closeCode(): number | undefined {
    return this.#closeCode;
  }

  /** The rule that the peer has broken: nothing is read any more. */
  get fault(): BadMessageError | undefined {
    return this.#fault;
  }

  /**
   * Whether a small message has come in since this was last asked: its sender may wait for an
   * answer.
   */
  takePrompt(): boolean {
    const isPrompt = this.#isPrompt;
    this.#isPrompt = false;
    return isPrompt;
  }

  /** Takes data that came while nobody read; 0 when there are none. */
  takeQueued(into: Uint8Array<ArrayBuffer>): number {
    const count = this.#queue.take(into);
    this.#credit.consume(count);
    return count;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue.clear();
  }

  /**
   * Gets on with what comes in, by one read of the channel at most. Data go to `into`, and their
   * number is returned; without it they wait. One call at a time. Rejects with a `ProtocolError`
   * "bad-message", or as the channel does.
   */
  async advance(into?: Uint8Array<ArrayBuffer>): Promise<number> {
    const start = this.#aheadStart;
    let count = this.#parse(into);
    if (this.#aheadStart > start || this.#isOver) return count;
    const direct = this.#directRoom(into);
    if (direct !== undefined) {
      const got = await this.#source.read(direct);
      if (got === null) this.#isOver = true;
      else this.#gotDirect(direct.subarray(0, got));
      return got ?? 0;
    }
    this.#makeRoom();
    const got = await this.#source.read(this.#ahead.subarray(this.#aheadEnd));
    if (got === null) this.#isOver = true;
    this.#aheadEnd += got ?? 0;
    count = this.#parse(into);
    return count;
  }

  /**
   * Acts on what was read ahead, as far as it goes; returns the number of bytes that went to
   * `into`.
   */
  #parse(into: Uint8Array<ArrayBuffer> | undefined): number {
    if (this.#fault !== undefined) throw this.#fault;
    let count = 0;
    try {
      for (let hasMoved = true; hasMoved && !this.#isOver;) {
        const start = this.#aheadStart;
        if (this.#frame === undefined) this.#beginFrame();
        else if (isControl(this.#frame.opcode)) this.#takeControl(this.#frame);
        else count += this.#takeData(this.#frame, into?.subarray(count));
        hasMoved = this.#aheadStart > start;
        if (this.#frame !== undefined && this.#frameAt === this.#frame.length) {
          this.#endFrame(this.#frame);
        }
      }
    } catch (error) {
      if (!(error instanceof BadMessageError)) throw error;
      this.#fault = error;
      // What came before it is still read.
      if (count === 0) throw error;
    }
    return count;
  }

  #beginFrame(): void {
    const head = parseFrameHead(this.#ahead, this.#aheadStart, this.#aheadEnd);
    if (head === undefined) return;
    this.#aheadStart += head.headBytes;
    if (isControl(head.opcode)) this.#control = new Uint8Array(head.length);
    else this.#countFrame(head);
    this.#frame = head;
    this.#frameAt = 0;
  }

  /** A frame of a message: all that is limited is looked at here. */
  #countFrame({ opcode, length, isFinal }: FrameHead): void {
    const isFirst = this.#message === undefined;
    if (isFirst !== (opcode === Opcode.Binary)) {
      throw isFirst
        ? new BadMessageError("the beginning of a message", "a continuation")
        : new BadMessageError("a continuation", "the beginning of a message");
    }
    const message = this.#message ??= { bytes: 0, fragments: 0, paid: 0, grant: 0, grantBytes: 0 };
    message.bytes += length;
    message.fragments++;
    checkLength(message.bytes, isFinal);
    if (message.fragments > MOST_FRAGMENTS) {
      const code = CloseCode.MessageTooBig;
      throw new BadMessageError(`at most ${MOST_FRAGMENTS} fragments of a message`, "more", code);
    }
    const dataBytes = message.bytes - HEAD_BYTES;
    if (dataBytes <= 0) return;
    if (this.#peerHasEnded) {
      throw new BadMessageError("no data after the end", `${dataBytes} bytes`);
    }
    message.paid = this.#credit.charge(dataBytes, message.paid);
  }

  #takeControl(frame: FrameHead): void {
    const part = this.#next(frame);
    this.#control.set(part, this.#frameAt - part.length);
  }

  /** Takes what is there of a message's frame; returns how much of it went to `into`. */
  #takeData(frame: FrameHead, into: Uint8Array<ArrayBuffer> | undefined): number {
    const message = this.#message;
    if (message === undefined) return 0;
    if (message.grantBytes < HEAD_BYTES) {
      for (const byte of this.#next(frame, HEAD_BYTES - message.grantBytes)) {
        message.grant += byte * 2 ** (8 * message.grantBytes++);
      }
      if (message.grantBytes === HEAD_BYTES) this.#credit.addGrant(message.grant);
      return 0;
    }
    const data = this.#next(frame, into?.length);
    if (into === undefined) {
      this.#queue.add(data);
      return 0;
    }
    into.set(data);
    this.#credit.consume(data.length);
    return data.length;
  }

  /** The next bytes of the frame's payload that are there, without the mask. */
  #next(frame: FrameHead, most = Infinity): Uint8Array<ArrayBuffer> {
    const length = Math.min(
      most,
      frame.length - this.#frameAt,
      this.#aheadEnd - this.#aheadStart,
    );
    const part = this.#ahead.subarray(this.#aheadStart, this.#aheadStart + length);
    unmask(part, frame.mask, this.#frameAt);
    this.#aheadStart += length;
    this.#frameAt += length;
    return part;
  }

  #endFrame({ opcode, isFinal }: FrameHead): void {
    this.#frame = undefined;
    if (opcode === Opcode.Ping) this.#onPing(this.#control);
    else if (opcode === Opcode.Close) this.#takeClose();
    else if (!isControl(opcode) && isFinal) this.#endMessage();
  }

  #endMessage(): void {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) return;
    const dataBytes = message.bytes - HEAD_BYTES;
    if (dataBytes === 0) {
      this.#peerHasEnded ||= message.grant === 0;
      return;
    }
    // Of a small message no more waits than its bytes.
    this.#credit.consume(message.paid - dataBytes);
    this.#isPrompt ||= message.paid === costOf(0);
  }

  #takeClose(): void {
    this.#isOver = true;
    const { length } = this.#control;
    if (length === 0) return;
    const code = length === 1 ? 0 : new DataView(this.#control.buffer).getUint16(0);
    if (!isCloseCode(code)) {
      throw new BadMessageError("a status that a WebSocket may be closed with", String(code));
    }
    this.#closeCode = code;
  }

  /**
   * Where the next read may put the frame's payload: not where little is wanted, or little is left
   * of the frame.
   */
  #directRoom(into: Uint8Array<ArrayBuffer> | undefined): Uint8Array<ArrayBuffer> | undefined {
    const frame = this.#frame;
    if (into === undefined || frame === undefined || isControl(frame.opcode)) return undefined;
    if ((this.#message?.grantBytes ?? 0) < HEAD_BYTES) return undefined;
    const room = into.subarray(0, frame.length - this.#frameAt);
    return room.length >= DIRECT_BYTES ? room : undefined;
  }

  #gotDirect(bytes: Uint8Array<ArrayBuffer>): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    unmask(bytes, frame.mask, this.#frameAt);
    this.#frameAt += bytes.length;
    this.#credit.consume(bytes.length);
    if (this.#frameAt === frame.length) this.#endFrame(frame);
  }

  /** Makes room to read ahead: what is there is less than a head. */
  #makeRoom(): void {
    const kept = this.#ahead.subarray(this.#aheadStart, this.#aheadEnd);
    if (this.#ahead.length < AHEAD_BYTES && this.#credit.hasRead) {
      this.#ahead = new Uint8Array(AHEAD_BYTES);
    }
    this.#ahead.set(kept);
    this.#aheadStart = 0;
    this.#aheadEnd = kept.length;
  }
}

/**
 * Whether it may stand in a frame that closes a WebSocket (RFC 6455, section 7.4.2, and the
 * registry that it sets up).
 */
function isCloseCode(code: number): boolean {
  return code >= 3000 && code < 5000 || code >= 1000 && code <= 1014 && code !== 1004 &&
      code !== 1005 && code !== 1006;
}
