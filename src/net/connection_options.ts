import type { FrameHeader } from "../wire/frame.ts";
import type { WireLimits } from "../wire/limits.ts";
import type { HeartbeatPayload, Message } from "../wire/messages.ts";

/** Options of a `Connection`. */
export interface ConnectionOptions {
  /** Limits on what is read. */
  limits?: WireLimits;
  /** Interval in seconds at which heartbeats are sent and expected. Default: none are. */
  heartbeatSeconds?: number;
  /** Makes the content of a heartbeat that is sent. Default: no content. */
  heartbeat?: () => HeartbeatPayload;
  /**
   * First bytes of the peer, at most 1 KiB, that were read from the channel already. Default: none.
   */
  ahead?: Uint8Array<ArrayBuffer>;
}

/** Keeper of a body that is received before there is a buffer for it. */
export interface BodyKeeper {
  /**
   * Gives room for at least one of the next bytes of the body, valid until the next call.
   * `undefined` when no more bytes can be kept, or the buffer is there.
   */
  room(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Notes that the first `count` bytes of the last room are the next bytes of the body. */
  filled(count: number): void;
  /**
   * Waits for the buffer and gives it, with the bytes kept so far at its front. `undefined` refuses
   * the body.
   */
  claim(): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** Buffer for a body, its keeper until there is a buffer, or `undefined` to refuse the body. */
export type BodyPlace = Uint8Array<ArrayBuffer> | BodyKeeper | undefined;

/** Options of `Connection.receive`. */
export interface ReceiveOptions {
  /**
   * Provides the buffer for the body of a message that carries a vector. Default: a new one.
   *
   * The buffer has at least `bodyLength` bytes and begins at a multiple of 8 in memory. `undefined`
   * refuses the body, which is read and discarded. A keeper takes the body until it has a buffer.
   * Until the result is there nothing more is read, so that the sender has to wait.
   */
  place?: (header: FrameHeader) => BodyPlace | Promise<BodyPlace>;
  /** Called with the content of each heartbeat that precedes the next message. */
  onHeartbeat?: (payload: HeartbeatPayload) => void;
}

/** A frame that was received. */
export interface Received {
  /** The frame's header. */
  readonly header: FrameHeader;
  /**
   * The message; `undefined` when `place` refused the body. Its tensors are views on the buffer
   * that `place` provided.
   */
  readonly message: Message | undefined;
}
