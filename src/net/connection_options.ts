import type { FrameHeader, WireLimits } from "../wire/frame.ts";
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

/** Options of `Connection.receive`. */
export interface ReceiveOptions {
  /**
   * Provides the buffer for the body of a message that carries a vector. Default: a new one.
   *
   * The buffer has at least `bodyLength` bytes and begins at a multiple of 8 in memory. `undefined`
   * refuses the body, which is read and discarded. Until the result is there nothing more is read,
   * so that the sender has to wait.
   */
  place?: (header: FrameHeader) =>
    | Uint8Array<ArrayBuffer>
    | undefined
    | Promise<Uint8Array<ArrayBuffer> | undefined>;
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
