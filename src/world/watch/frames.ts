import { decodeBody, decodePrefix, PREFIX_BYTES } from "../../wire/frame.ts";
import { messageName } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";

/** Frame of a stream. */
export interface Frame {
  /** Name of the message; `"?"` where bytes are no frame. */
  readonly name: string;
  /** Message; `undefined` where its body is none. */
  readonly message: Message | undefined;
  /** Number of bytes, with the prefix. */
  readonly bytes: number;
  /** Time in milliseconds of the world at which its last byte was written. */
  readonly sentAt: number;
}

/** Frame on its way, with the position of its last byte in the stream. */
interface Flight {
  readonly frame: Frame;
  readonly end: number;
}

/**
 * Frames of one direction of a connection: put together as they are written, and as they arrive.
 */
export class FrameStream {
  #rest = new Uint8Array(0);
  #written = 0;
  #arrived = 0;
  /** Set once bytes are no frame: what follows means nothing. */
  #isBroken = false;
  readonly #flight: Flight[] = [];

  /** Takes bytes that were written; returns the frames that are whole by them. */
  write(bytes: Uint8Array, now: number): readonly Frame[] {
    if (this.#isBroken) return [];
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const frames: Frame[] = [];
    let at = 0;
    while (all.length - at >= PREFIX_BYTES) {
      const frame = this.#frameAt(all, at, now);
      if (frame === undefined) break;
      at += frame.bytes;
      this.#written += frame.bytes;
      frames.push(frame);
      this.#flight.push({ frame, end: this.#written });
    }
    this.#rest = all.slice(at);
    return frames;
  }

  /** Takes the number of further bytes that have arrived; returns the frames that are whole. */
  arrive(length: number): readonly Frame[] {
    this.#arrived += length;
    const frames: Frame[] = [];
    for (let first = this.#flight[0]; first && first.end <= this.#arrived;) {
      frames.push(first.frame);
      this.#flight.shift();
      first = this.#flight[0];
    }
    return frames;
  }

  /** Frames that have not arrived, in order. */
  get onWay(): readonly Frame[] {
    return this.#flight.map(({ frame }) => frame);
  }

  #frameAt(all: Uint8Array<ArrayBuffer>, at: number, now: number): Frame | undefined {
    try {
      const { code, bodyLength } = decodePrefix(all, undefined, at);
      const end = at + PREFIX_BYTES + bodyLength;
      if (all.length < end) return undefined;
      const message = messageOf(code, all.slice(at + PREFIX_BYTES, end));
      return { name: messageName(code), message, bytes: PREFIX_BYTES + bodyLength, sentAt: now };
    } catch {
      this.#isBroken = true;
      return { name: "?", message: undefined, bytes: all.length - at, sentAt: now };
    }
  }
}

function messageOf(
  code: Message["code"],
  body: Uint8Array<ArrayBuffer>,
): Message | undefined {
  try {
    return decodeBody(code, body);
  } catch {
    return undefined;
  }
}
