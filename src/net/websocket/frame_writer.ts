import { ConnectionClosedError } from "../../base/errors.ts";
import type { Channel } from "../transport.ts";
import { Opcode, writeFrameHead } from "./frame_head.ts";
import { type CloseCode, HEAD_BYTES } from "./message.ts";

/** Messages up to this go out in one write. */
const JOINED_WRITE_BYTES = 64 * 1024;
/** The most that stands before a message's data: the frame's head and the grant. */
const MOST_BEFORE_DATA = 10 + HEAD_BYTES;

const NOTHING = new Uint8Array();

/** Writes a server's frames to a channel, one after the other, also from concurrent callers. */
export class FrameWriter {
  readonly #channel: Channel;
  #turn: Promise<void> = Promise.resolve();
  /** Number of frames that are not written yet. */
  #pending = 0;
  #isGranting = false;
  /** Payload of the last ping that was not answered yet. */
  #pong: Uint8Array<ArrayBuffer> | undefined;
  #hasClosed = false;

  /** A writer to the channel. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Sends data, with what `grant` gives when it is their turn. Rejects when the channel is lost or
   * the WebSocket closed.
   */
  data(grant: () => number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#inTurn(() => this.#message(grant(), bytes));
  }

  /** Says that no more data are sent. */
  end(): Promise<void> {
    return this.#inTurn(() => this.#message(0, NOTHING));
  }

  /**
   * Sends what `grant` gives when it is its turn, if that is anything. Never rejects: the next read
   * or write reports the error.
   */
  grant(grant: () => number): void {
    if (this.#isGranting) return;
    this.#isGranting = true;
    this.#inTurn(async () => {
      this.#isGranting = false;
      const granted = grant();
      if (granted > 0) await this.#message(granted, NOTHING);
    }).catch(() => {});
  }

  /** Answers a ping. Of those that come while nothing can be written, the last one is answered. */
  pong(payload: Uint8Array<ArrayBuffer>): void {
    const isWaiting = this.#pong !== undefined;
    this.#pong = payload;
    if (isWaiting) return;
    this.#inTurn(async () => {
      const payload = this.#pong ?? NOTHING;
      this.#pong = undefined;
      await this.#frame(Opcode.Pong, payload);
    }).catch(() => {});
  }

  /**
   * Sends an empty pong, unless other frames are about to be sent: whatever is sent acknowledges
   * what has arrived.
   */
  acknowledge(): void {
    if (this.#pending > 0) return;
    this.#inTurn(() => this.#frame(Opcode.Pong, NOTHING)).catch(() => {});
  }

  /** Closes the WebSocket: nothing can be sent any more. */
  close(code: CloseCode | number | undefined): Promise<void> {
    const payload = new Uint8Array(code === undefined ? 0 : 2);
    if (code !== undefined) new DataView(payload.buffer).setUint16(0, code);
    return this.#inTurn(async () => {
      const closing = this.#frame(Opcode.Close, payload);
      this.#hasClosed = true;
      await closing;
    });
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const next = () => this.#write(write);
    return this.#turn = this.#pending++ === 0 ? next() : this.#turn.then(next, next);
  }

  async #write(write: () => Promise<void>): Promise<void> {
    try {
      if (!this.#hasClosed) return await write();
      throw new ConnectionClosedError(
        `Lost the connection to ${this.#channel.remote}: the WebSocket is closed`,
      );
    } finally {
      this.#pending--;
    }
  }

  async #message(grant: number, data: Uint8Array<ArrayBuffer>): Promise<void> {
    const isJoined = data.length <= JOINED_WRITE_BYTES;
    const bytes = new Uint8Array(MOST_BEFORE_DATA + (isJoined ? data.length : 0));
    const view = new DataView(bytes.buffer);
    let at = writeFrameHead(view, Opcode.Binary, HEAD_BYTES + data.length);
    view.setUint32(at, grant, true);
    at += HEAD_BYTES;
    if (isJoined) bytes.set(data, at);
    await this.#channel.write(bytes.subarray(0, at + (isJoined ? data.length : 0)));
    if (!isJoined) await this.#channel.write(data);
  }

  async #frame(opcode: Opcode, payload: Uint8Array<ArrayBuffer>): Promise<void> {
    const bytes = new Uint8Array(MOST_BEFORE_DATA + payload.length);
    const at = writeFrameHead(new DataView(bytes.buffer), opcode, payload.length);
    bytes.set(payload, at);
    await this.#channel.write(bytes.subarray(0, at + payload.length));
  }
}
