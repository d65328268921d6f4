import { ProtocolError } from "../base/errors.ts";
import { checkMagic, decodePrefix, type FrameHeader, PREFIX_BYTES } from "../wire/frame.ts";
import type { WireLimits } from "../wire/frame.ts";
import { messageName } from "../wire/message_code.ts";
import type { BodyKeeper } from "./connection_options.ts";
import type { ReceiveProgress } from "./receive_progress.ts";

/** Bytes that are read ahead: a small frame arrives with its prefix, in one read. */
const READ_AHEAD_BYTES = 64 * 1024;
/** Bytes that are read ahead before a peer has sent anything. */
const FIRST_READ_BYTES = 1024;

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
 *   0 ......... start ........... end ......... READ_AHEAD_BYTES
 *   |  taken    |  read ahead     |  free       |
 * ```
 */
export class FrameInput {
  readonly #source: FrameSource;
  readonly #progress: ReceiveProgress;
  #ahead = new Uint8Array(FIRST_READ_BYTES);
  #start = 0;
  #end = 0;
  #hasReceived = false;

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
    this.#hasReceived = ahead.length > 0;
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
      const got = await this.#source.read(this.#ahead.subarray(this.#end));
      if (got === null) {
        if (this.#end === 0) return null;
        if (this.#end >= 4) checkMagic(this.#ahead);
        throw this.#truncated(
          `expected ${PREFIX_BYTES} bytes of a frame's prefix, got ${this.#end}`,
        );
      }
      this.#end += got;
    }
    this.#hasReceived = true;
    this.#progress.beginFrame();
    const header = decodePrefix(this.#ahead.subarray(0, PREFIX_BYTES), limits);
    this.#start = PREFIX_BYTES;
    return header;
  }

  /**
   * Reads the frame's body into a buffer of that length, from the byte `from` on.
   *
   * @throws {ProtocolError} If the body is cut off.
   */
  async readBody(header: FrameHeader, body: Uint8Array<ArrayBuffer>, from = 0): Promise<void> {
    for (let at = from; at < body.length;) {
      at += await this.#readPart(header, at, at === 0 ? body : body.subarray(at));
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
  async skipBody(header: FrameHeader, from = 0): Promise<void> {
    const { bodyLength } = header;
    const discarded = new Uint8Array(Math.min(bodyLength - from, READ_AHEAD_BYTES));
    for (let at = from; at < bodyLength;) {
      at += await this.#readPart(header, at, discarded.subarray(0, bodyLength - at));
    }
  }

  /** Moves what was read ahead to the front of the buffer, which grows once a peer has sent. */
  #makeRoom(): void {
    if (this.#start > 0) {
      this.#ahead.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#ahead.length < READ_AHEAD_BYTES && this.#hasReceived) {
      const ahead = new Uint8Array(READ_AHEAD_BYTES);
      ahead.set(this.#ahead.subarray(0, this.#end));
      this.#ahead = ahead;
    }
  }

  /** Takes bytes of the body: first those that were read ahead, then from the source. */
  async #readPart(
    header: FrameHeader,
    at: number,
    into: Uint8Array<ArrayBuffer>,
  ): Promise<number> {
    const end = Math.min(this.#end, this.#start + into.length);
    const ahead = this.#ahead.subarray(this.#start, end);
    let got: number | null = ahead.length;
    if (got === 0) got = await this.#source.read(into);
    else {
      into.set(ahead);
      this.#start += got;
    }
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
