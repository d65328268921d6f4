import { concat } from "../../base/bytes.ts";
import { ConnectionClosedError } from "../../base/errors.ts";
import { runtime, type Timer } from "../../base/runtime/runtime.ts";
import type { Channel } from "../../net/transport.ts";
import { encodeFrame } from "../../wire/frame.ts";
import { FrameReader } from "../../wire/frame_reader.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";

/** Bytes of the buffer that a connection is read into. */
const BUFFER_BYTES = 4096;

/**
 * Connection of a peer that keeps to no rule but its own: it may write parts of frames, and beats
 * or is silent as it likes.
 */
export class RawConnection {
  readonly #channel: Channel;
  readonly #messages: Message[] = [];
  #wake = Promise.withResolvers<void>();
  #isOver = false;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Set while heartbeats are left out, such as in the middle of a frame. */
  isSilent = false;

  /** Begins to read from a channel. */
  constructor(channel: Channel) {
    this.#channel = channel;
    void this.#read();
  }

  /** True once the other end has closed it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends heartbeats from now on. */
  beat(seconds: number): void {
    runtime.timers.clearInterval(this.#timer);
    this.#timer = runtime.timers.setInterval(() => {
      if (!this.isSilent) this.send({ code: MessageCode.Heartbeat, payload: {} }).catch(() => {});
    }, 1000 * seconds);
  }

  /** Writes a message. */
  async send(message: Message): Promise<void> {
    await this.write(frameOf(message));
  }

  /** Writes bytes, after those that were to be written before. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const writing = this.#writing.then(() => this.#channel.write(bytes));
    this.#writing = writing.catch(() => {});
    await writing;
  }

  /**
   * Returns the next message that is no heartbeat.
   *
   * @throws {ConnectionClosedError} If there is none any more.
   */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined && message.code !== MessageCode.Heartbeat) return message;
      if (message !== undefined) continue;
      if (this.#isOver) throw new ConnectionClosedError("The other end has closed the connection");
      await this.#wake.promise;
    }
  }

  /** Resolves when the connection is over. What comes until then is not looked at. */
  async untilOver(): Promise<void> {
    while (!this.#isOver) {
      this.#messages.length = 0;
      await this.#wake.promise;
    }
  }

  /** Closes it. */
  close(): void {
    runtime.timers.clearInterval(this.#timer);
    this.#channel.close();
    this.#end();
  }

  async #read(): Promise<void> {
    const reader = new FrameReader();
    const buffer = new Uint8Array(BUFFER_BYTES);
    try {
      for (let count; (count = await this.#channel.read(buffer)) !== null;) {
        for (const frame of reader.take(buffer.subarray(0, count))) {
          this.#messages.push(frame.decode());
        }
        this.#wakeUp();
      }
    } catch { /* the connection is lost, or the other end has no rules either */ }
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    runtime.timers.clearInterval(this.#timer);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** Encodes a message as the bytes of its frame. */
export function frameOf(message: Message): Uint8Array<ArrayBuffer> {
  return concat(encodeFrame(message));
}
