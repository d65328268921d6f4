import { FrameReader, type WholeFrame } from "../../wire/frame_reader.ts";
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
  readonly #reader = new FrameReader();
  #written = 0;
  #arrived = 0;
  /** Set once bytes are no frame: what follows means nothing. */
  #isBroken = false;
  readonly #flight: Flight[] = [];

  /** Takes bytes that were written; returns the frames that are whole by them. */
  write(bytes: Uint8Array, now: number): readonly Frame[] {
    if (this.#isBroken) return [];
    const frames: Frame[] = [];
    const add = (frame: Frame) => {
      this.#written += frame.bytes;
      frames.push(frame);
      this.#flight.push({ frame, end: this.#written });
    };
    try {
      for (const whole of this.#reader.take(bytes)) {
        const { code, bytes } = whole;
        add({ name: messageName(code), message: messageOf(whole), bytes, sentAt: now });
      }
    } catch {
      this.#isBroken = true;
      add({ name: "?", message: undefined, bytes: this.#reader.waiting, sentAt: now });
    }
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
}

function messageOf(frame: WholeFrame): Message | undefined {
  try {
    return frame.decode();
  } catch {
    return undefined;
  }
}
