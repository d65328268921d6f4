import type { Channel } from "../transport.ts";
import { ByteQueue } from "./byte_queue.ts";
import { parseCloseCode } from "./close_code.ts";
import type { Credit } from "./credit.ts";
import { type FrameHead, isControl, Opcode, parseFrameHead } from "./frame_head.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { checkOrder, IncomingMessage } from "./incoming_message.ts";
import { BadMessageError, LEAST_COST, SEGMENT_BYTES } from "./message.ts";
import { unmask } from "./unmask.ts";

/** Bytes that are read ahead: small messages arrive together, in one read. */
const AHEAD_BYTES = 16 * 1024;
/** Bytes that are read ahead before a peer has sent data. */
const FIRST_AHEAD_BYTES = 1024;
/** Least number of bytes of a frame that are read straight into the reader's array. */
const DIRECT_BYTES = 8 * 1024;

/**
 * Reader of a client's frames: grants go to the credit, data to the reader. Every limit is checked
 * when a frame's head has arrived, before memory for its payload is allocated.
 */
export class FrameReader {
  readonly #source: Channel;
  readonly #credit: Credit;
  readonly #answers: FrameWriter;
  /** Data that arrived while nothing was reading. */
  readonly #queue = new ByteQueue();
  #ahead: Uint8Array<ArrayBuffer>;
  #aheadStart = 0;
  #aheadEnd: number;
  #frame: FrameHead | undefined;
  /** Bytes of the frame's payload that have arrived. */
  #frameAt = 0;
  #control = new Uint8Array();
  #message: IncomingMessage | undefined;
  #fault: BadMessageError | undefined;
  #peerHasEnded = false;
  #isOver = false;
  #closeCode: number | undefined;
  #isPrompt = false;

  /**
   * Creates a reader of a channel from which `ahead` was read already. It answers pings, and heads
   * that arrive without their payloads, which senders may hold back until the answer.
   */
  constructor(
    source: Channel,
    { credit, ahead, answers }: {
      credit: Credit;
      ahead: Uint8Array<ArrayBuffer>;
      answers: FrameWriter;
    },
  ) {
    this.#source = source;
    this.#credit = credit;
    this.#answers = answers;
    this.#ahead = new Uint8Array(Math.max(FIRST_AHEAD_BYTES, ahead.length));
    this.#ahead.set(ahead);
    this.#aheadEnd = ahead.length;
  }

  /** True if the peer has said that it will send no more data. */
  get peerHasEnded(): boolean {
    return this.#peerHasEnded;
  }

  /** True if the peer has closed the WebSocket, or the channel below it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Status with which the peer has closed, if it sent one. */
  get closeCode(): number | undefined {
    return this.#closeCode;
  }

  /** Error of the rule that the peer has broken, after which nothing is read. */
  get fault(): BadMessageError | undefined {
    return this.#fault;
  }

  /** Returns true if a small message, which may need an answer, came since the last call. */
  takePrompt(): boolean {
    const isPrompt = this.#isPrompt;
    this.#isPrompt = false;
    return isPrompt;
  }

  /** Takes data that arrived while nothing was reading, and returns the number of bytes. */
  takeQueued(into: Uint8Array<ArrayBuffer>): number {
    const count = this.#queue.take(into);
    this.#credit.consume(count);
    return count;
  }

  /** Discards the data that wait. */
  clear(): void {
    this.#queue.clear();
  }

  /**
   * Processes frames, by one read of the channel at most. One call at a time. Rejects as the
   * channel does.
   *
   * @param into Array for data; without it they wait.
   * @returns Number of bytes of data in `into`.
   * @throws {ProtocolError} "bad-message" If the peer breaks a rule.
   */
  async advance(into?: Uint8Array<ArrayBuffer>): Promise<number> {
    const start = this.#aheadStart;
    const count = this.#parse(into);
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
    return this.#parse(into);
  }

  /** Processes the bytes that were read ahead; returns the number of bytes in `into`. */
  #parse(into: Uint8Array<ArrayBuffer> | undefined): number {
    if (this.#fault !== undefined) throw this.#fault;
    let count = 0;
    try {
      for (let hasMoved = true; hasMoved && !this.#isOver;) {
        const start = this.#aheadStart;
        if (this.#frame === undefined) this.#beginFrame();
        else if (isControl(this.#frame.opcode)) {
          const part = this.#next(this.#frame);
          this.#control.set(part, this.#frameAt - part.length);
        } else count += this.#takeData(this.#frame, into?.subarray(count));
        hasMoved = this.#aheadStart > start;
        if (this.#frame !== undefined && this.#frameAt === this.#frame.length) {
          this.#endFrame(this.#frame);
        }
      }
    } catch (error) {
      if (!(error instanceof BadMessageError)) throw error;
      this.#fault = error;
      // Data before the fault are still delivered.
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
    const isLone = this.#aheadStart === this.#aheadEnd;
    if (isLone && head.length > LEAST_COST && head.length < SEGMENT_BYTES) {
      this.#answers.acknowledge();
    }
  }

  /** Checks the head of a frame of a message against all limits. */
  #countFrame({ opcode, length, isFinal }: FrameHead): void {
    checkOrder(opcode, this.#message === undefined);
    const message = this.#message ??= new IncomingMessage(this.#credit);
    message.addFrame(length, { isFinal, isAllowed: !this.#peerHasEnded });
  }

  /** Takes the bytes of a message's frame that have arrived; returns the number in `into`. */
  #takeData(frame: FrameHead, into: Uint8Array<ArrayBuffer> | undefined): number {
    const message = this.#message;
    if (message === undefined) return 0;
    if (message.missingHeadBytes > 0) {
      message.addHead(this.#next(frame, message.missingHeadBytes));
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

  /** Returns the next bytes of the frame's payload that have arrived, without the mask. */
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
    if (opcode === Opcode.Ping) this.#answers.pong(this.#control);
    else if (opcode === Opcode.Close) {
      this.#isOver = true;
      this.#closeCode = parseCloseCode(this.#control);
    } else if (this.#message !== undefined && !isControl(opcode) && isFinal) {
      this.#peerHasEnded ||= this.#message.isEnd;
      this.#isPrompt = this.#message.end() || this.#isPrompt;
      this.#message = undefined;
    }
  }

  /**
   * Returns the part of `into` for the next read of the frame's payload; `undefined` if it would be
   * short.
   */
  #directRoom(into: Uint8Array<ArrayBuffer> | undefined): Uint8Array<ArrayBuffer> | undefined {
    const frame = this.#frame;
    if (into === undefined || frame === undefined || isControl(frame.opcode)) return undefined;
    if (this.#message === undefined || this.#message.missingHeadBytes > 0) return undefined;
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

  /** Makes room to read ahead; what is left is less than a head. */
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
