import { ProtocolError } from "../base/errors.ts";
import { checkMagic, decodePrefix, type FrameHeader, PREFIX_BYTES } from "../wire/frame.ts";
import type { WireLimits } from "../wire/limits.ts";
import { messageName } from "../wire/message_code.ts";
import type { BodyKeeper } from "./connection_options.ts";
import { ReadAheadSize } from "./read_ahead.ts";
import type { ReceiveProgress } from "./receive_progress.ts";

/** Bytes that are discarded at once. */
const DISCARDED_BYTES = 64 * 1024;

/** Source of the bytes of a {@linkcode FrameInput}. */
export interface FrameSource {
  /** The other end, for messages. */
  readonly remote: string;
  /** Reads at least one byte and returns their number, or `null` at the end. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
}

/**
 * Frames of a channel, read ahead.
 *
 * ```text
 *   0 ......... start ........... end ......... length of the buffer
 *   |  taken    |  read ahead     |  free       |
 * ```
 */
export class FrameInput {
  readonly #source: FrameSource;
  readonly #progress: ReceiveProgress;
  readonly #size = new ReadAheadSize();
  #ahead = new Uint8Array(this.#size.bytes);
  #start = 0;
  #end = 0;

  /** Reads frames from a source of which some bytes, `ahead`, were read already. */
  constructor(
    source: FrameSource,
    { progress, ahead }: { progress: ReceiveProgress; ahead?: Uint8Array<ArrayBuffer> | undefined },
  ) {
    this.#source = source;
    this.#progress = progress;
    if (ahead === undefined) return;
    this.#ahead.set(ahead);
    this.#end = ahead.length;
  }

  /**
   * Takes the next frame's header, if all of it was read ahead.
   *
   * @throws {ProtocolError} If it is not one of a frame, or is over the limits.
   */
  takeHeader(limits: WireLimits): FrameHeader | undefined {
    const start = this.#start, body = start + PREFIX_BYTES;
    if (body > this.#end) return undefined;
    this.#progress.beginFrame();
    const header = decodePrefix(this.#ahead, limits, start);
    this.#start = body;
    this.#size.note(PREFIX_BYTES + header.bodyLength);
    return header;
  }

  /** Takes as many bytes of the frame's body as were read ahead, and returns their number. */
  takeBody(body: Uint8Array<ArrayBuffer>): number {
    const count = Math.min(body.length, this.#end - this.#start);
    if (count === 0) return 0;
    body.set(this.#ahead.subarray(this.#start, this.#start + count));
    this.#start += count;
    this.#progress.addBody(count);
    return count;
  }

  /** Returns the room for the next bytes of a prefix that is not all there. */
  roomForHeader(): Uint8Array<ArrayBuffer> {
    const count = this.#end - this.#start;
    if (count === 0) {
      this.#start = this.#end = 0;
      const { bytes } = this.#size;
      if (this.#ahead.length !== bytes) this.#ahead = new Uint8Array(bytes);
      return this.#ahead;
    }
    this.#progress.beginFrame();
    if (this.#start > 0) this.#ahead.copyWithin(0, this.#start, this.#end);
    this.#start = 0;
    this.#end = count;
    return this.#ahead.subarray(count);
  }

  /**
   * Notes that the first `got` bytes of that room are used, or that nothing more comes: `null`.
   *
   * @returns `false` when the peer has closed its side between two frames.
   * @throws {ProtocolError} If the prefix is cut off, or is not one of a frame.
   */
  addToHeader(got: number | null): boolean {
    if (got === null) {
      if (this.#end === 0) return false;
      if (this.#end >= 4) checkMagic(this.#ahead);
      throw this.#truncated(
        `expected ${PREFIX_BYTES} bytes of a frame's prefix, got ${this.#end}`,
      );
    }
    this.#end += got;
    return true;
  }

  /**
   * Reads the frame's body into a buffer of its length, from the byte `from` on.
   *
   * @throws {ProtocolError} If the body is cut off.
   */
  readBody(header: FrameHeader, body: Uint8Array<ArrayBuffer>, from: number): Promise<void> {
    if (from === body.length) return Promise.resolve();
    // Most bodies end with their first read, and many connections may wait for theirs.
    return this.#readPart(header, from, body.subarray(from)).then((count) => {
      const at = from + count;
      return at === body.length ? undefined : this.#readRest(header, body, at);
    });
  }

  async #readRest(header: FrameHeader, body: Uint8Array<ArrayBuffer>, from: number): Promise<void> {
    for (let at = from; at < body.length;) {
      at += await this.#readPart(header, at, body.subarray(at));
    }
  }

  /**
   * Reads the frame's body into a keeper, as far as that has room.
   *
   * @returns Number of bytes that are kept.
   * @throws {ProtocolError} If the body is cut off.
   */
  async keepBody(header: FrameHeader, keeper: BodyKeeper): Promise<number> {
    const { bodyLength } = header;
    let at = 0;
    while (at < bodyLength) {
      const room = await keeper.room();
      if (room === undefined) break;
      const got = await this.#readPart(header, at, room.subarray(0, bodyLength - at));
      keeper.filled(got);
      at += got;
    }
    return at;
  }

  /**
   * Reads the frame's body from the byte `from` on and discards it.
   *
   * @throws {ProtocolError} If the body is cut off.
   */
  async skipBody(header: FrameHeader, from: number): Promise<void> {
    const { bodyLength } = header;
    const discarded = new Uint8Array(Math.min(bodyLength - from, DISCARDED_BYTES));
    for (let at = from; at < bodyLength;) {
      at += await this.#readPart(header, at, discarded.subarray(0, bodyLength - at));
    }
  }

  /** Notes that the connection has ended. */
  close(): void {
    this.#size.close();
  }

  /** Takes bytes of the body: first those that were read ahead, then from the source. */
  #readPart(header: FrameHeader, at: number, into: Uint8Array<ArrayBuffer>): Promise<number> {
    const taken = this.takeBody(into);
    if (taken > 0) return Promise.resolve(taken);
    return this.#source.read(into).then((got) => {
      if (got === null) {
        const { code, bodyLength } = header;
        throw this.#truncated(`expected ${bodyLength} bytes of ${messageName(code)}, got ${at}`);
      }
      this.#progress.addBody(got);
      return got;
    });
  }

  #truncated(what: string): ProtocolError {
    return new ProtocolError(
      "truncated-frame",
      `Lost the connection to ${this.#source.remote} inside a frame: ${what}`,
    );
  }
}
