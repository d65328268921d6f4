/**
 * What a transport is: channels of bytes, and a listener that accepts them.
 *
 * @module
 */

/** A two-way stream of bytes. All of a connection's rules stand above it, so a new transport has only this to do. */
export interface Channel {
  /** The other end, for messages: `"tcp 127.0.0.1:9000"`. */
  readonly remote: string;
  /** Reads at least one byte into the buffer and gives their number, or `null` when the other end has closed its side. One call at a time. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes all the bytes; they may change once the promise has resolved. One call at a time. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Tells the other end that nothing more will be written. */
  closeWrite(): Promise<void>;
  /** Ends the channel at once. What is pending rejects; a second call does nothing. */
  close(): void;
}

/** Accepts channels at an address. */
export interface Listener {
  /** Where it listens, in the form that `connect` takes; a port of 0 has become the real one. */
  readonly address: string;
  /**
   * The next channel, or `null` once the listener is closed. A listener that can tell where a peer comes from before it has a channel may ask `isWelcome`, with what
   * would be the channel's `remote`: one that is not welcome is closed, and the next one awaited.
   */
  accept(isWelcome?: (remote: string) => boolean): Promise<Channel | null>;
  /** Stops listening; channels that were accepted live on. */
  close(): void;
}

/** A way to reach other processes. */
export interface Transport {
  /** Its name, such as `"tcp"`. */
  readonly name: string;
  /** Opens a channel. Rejects with a one-line error that names the address, or with the signal's reason. */
  connect(address: string, options?: { signal?: AbortSignal }): Promise<Channel>;
  /** Listens. Throws or rejects with a one-line error that names the address when it is in use or not allowed. */
  listen(address: string): Promise<Listener>;
}
