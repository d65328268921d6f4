/** Size of a message: the fastest of 64 KiB to 4 MiB, tried with 100 MB over loopback. */
const MESSAGE_BYTES = 256 * 1024;

/**
 * Side of an exchange over a bare WebSocket, without back-pressure: sends a buffer and fills it
 * again.
 */
export class RawWebSocket {
  readonly #socket: WebSocket;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #filled = 0;
  #whole = Promise.withResolvers<void>();

  /** Takes over a WebSocket that is open or opening. */
  constructor(socket: WebSocket, buffer: Uint8Array<ArrayBuffer>) {
    this.#socket = socket;
    this.#buffer = buffer;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      buffer.set(new Uint8Array(data), this.#filled);
      this.#filled += data.byteLength;
      if (this.#filled === buffer.length) this.#whole.resolve();
    };
  }

  /** Sends the buffer. */
  send(): void {
    for (let at = 0; at < this.#buffer.length; at += MESSAGE_BYTES) {
      this.#socket.send(this.#buffer.subarray(at, at + MESSAGE_BYTES));
    }
  }

  /** Resolves once the buffer is filled. */
  async receive(): Promise<void> {
    await this.#whole.promise;
    this.#filled = 0;
    this.#whole = Promise.withResolvers();
  }
}
