import { ProtocolError } from "../base/errors.ts";
import { checkMagic, decodePrefix, type FrameHeader, PREFIX_BYTES } from "../wire/frame.ts";
import type { WireLimits } from "../wire/limits.ts";
import { messageName } from "../wire/message_code.ts";
import type { BodyKeeper } from "./connection_options.ts";
import type { ReceiveProgress } from "./receive_progress.ts";

/** Bytes that are read ahead before a peer has sent a longer frame. */
const FIRST_READ_BYTES = 1024;
/**
 * Most bytes that are read ahead. A frame up to this arrives in one read, as those of the same
 * length before it: its bytes are copied once more, which costs less than another read. A server
 * holds this memory for each client that is idle.
 */
const MOST_READ_BYTES = 12 * 1024;
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
  #ahead = new Uint8Array(FIRST_READ_BYTES);
  #start = 0;
  #end = 0;
  /** Bytes of the longest frame so far that is read ahead as a whole. */
  #longest = FIRST_READ_BYTES;

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
    this.#progress.endFrame();
    this.#progress.beginFrame();
    const header = decodePrefix(this.#ahead.subarray(start, body), limits);
    this.#start = body;
    const length = PREFIX_BYTES + header.bodyLength;
    if (length > this.#longest && length <= MOST_READ_BYTES) this.#longest = length;
    return header;
  }

  /** Takes as many bytes of the frame's body as were read ahead, and returns their number. */
  takeBody(body: Uint8Array<ArrayBuffer>): number {
    const count = Math.min(body.length, this.#end - this.#start);
    body.set(this.#ahead.subarray(this.#start, this.#start + count));
    this.#start += count;
    this.#progress.addBody(count);
    return count;
  }

  /**
   * Reads the next frame's header; `null` when the peer has closed its side between two frames.
   *
   * @throws {ProtocolError} If the prefix is cut off, is not one of a frame, or is over the limits.
   */
  async readHeader(limits: WireLimits): Promise<FrameHeader | null> {
    this.#progress.endFrame();
    this.#makeRoom();
    while (this.#end < PREFIX_BYTES) {
      if (this.#end > 0) this.#progress.beginFrame();
      const room = this.#end === 0 ? this.#ahead : this.#ahead.subarray(this.#end);
      const got = await this.#source.read(room);
      if (got === null) {
        if (this.#end === 0) return null;
        if (this.#end >= 4) checkMagic(this.#ahead);
        throw this.#truncated(
          `expected ${PREFIX_BYTES} bytes of a frame's prefix, got ${this.#end}`,
        );
      }
      this.#end += got;
    }
    return this.takeHeader(limits) ?? null;
  }

  /**
   * Reads the frame's body into a buffer of its length, from the byte `from` on.
   *
   * @throws {ProtocolError} If the body is cut off.
   */
  async readBody(header: FrameHeader, body: Uint8Array<ArrayBuffer>, from: number): Promise<void> {
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

  /** Moves what was read ahead to the front of the buffer, which grows with the frames. */
  #makeRoom(): void {
    const kept = this.#ahead.subarray(this.#start, this.#end);
    if (this.#ahead.length < this.#longest) {
      this.#ahead = new Uint8Array(Math.ceil(this.#longest / FIRST_READ_BYTES) * FIRST_READ_BYTES);
    }
    if (kept.length > 0) this.#ahead.set(kept);
    this.#start = 0;
    this.#end = kept.length;
  }

  /** Takes bytes of the body: first those that were read ahead, then from the source. */
  async #readPart(
    header: FrameHeader,
    at: number,
    into: Uint8Array<ArrayBuffer>,
  ): Promise<number> {
    const taken = this.takeBody(into);
    if (taken > 0) return taken;
    const got = await this.#source.read(into);
    if (got === null) {
      const { code, bodyLength } = header;
      throw this.#truncated(`expected ${bodyLength} bytes of ${messageName(code)}, got ${at}`);
    }
    this.#progress.addBody(got);
    return got;
  }

  #truncated(what: string): ProtocolError {
    return new ProtocolError(
      "truncated-frame",
      `Lost the connection to ${this.#source.remote} inside a frame: ${what}`,
    );
  }
}
