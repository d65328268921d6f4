/**
 * Interfaces of transports: channels of bytes, and listeners that accept them.
 *
 * @module
 */

/**
 * Two-way stream of bytes. All rules of a connection stand above it, so that a transport has to
 * implement only this.
 */
export interface Channel {
  /** The other end, for messages: `"tcp 127.0.0.1:9000"`. */
  readonly remote: string;
  /**
   * Reads at least one byte into the buffer. One call at a time.
   *
   * @returns Number of bytes, or `null` when the other end has closed its side.
   */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes all bytes, which may change once the promise has resolved. One call at a time. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Tells the other end that nothing more will be written. */
  closeWrite(): Promise<void>;
  /** Ends the channel at once; pending calls reject. A second call does nothing. */
  close(): void;
}

/** Listener that accepts channels at an address. */
export interface Listener {
  /** Address in the form that `connect` takes. A port of 0 has become the real one. */
  readonly address: string;
  /**
   * Accepts the next channel; `null` once the listener is closed.
   *
   * @param isWelcome Called with the `remote` of a peer by a listener that knows it before there is
   * a channel. If it returns false the peer is disconnected and the next one awaited.
   */
  accept(isWelcome?: (remote: string) => boolean): Promise<Channel | null>;
  /** Stops listening. Channels that were accepted stay open. */
  close(): void;
}

/** Transport that connects processes. */
export interface Transport {
  /** Name, such as `"tcp"`. */
  readonly name: string;
  /**
   * Opens a channel. Rejects with a one-line error that names the address, or with the signal's
   * reason.
   */
  connect(address: string, options?: { signal?: AbortSignal }): Promise<Channel>;
  /**
   * Listens. Throws or rejects with a one-line error that names the address if it is in use or not
   * allowed.
   */
  listen(address: string): Promise<Listener>;
}
