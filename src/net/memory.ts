/**
 * Channels within one isolate, for tests and for runs that need no sockets.
 *
 * @module
 */

import { yieldToEventLoop } from "../base/time/yield_to_event_loop.ts";
import { ConnectionClosedError } from "../base/errors.ts";
import { QueueListener } from "./queue_listener.ts";
import type { Channel, Listener, Transport } from "./transport.ts";

/** Like a socket's own buffer: a writer of little bytes need not wait for the reader. */
const BUFFER_BYTES = 256 * 1024;

interface Chunk {
  bytes: Uint8Array<ArrayBuffer>;
  readonly taken: (() => void) | undefined;
}

/** One direction. Bytes past the buffer are handed over straight from the writer's array to the reader's. */
class Pipe {
  readonly #chunks: Chunk[] = [];
  #buffered = 0;
  #ended = false;
  #broken = false;
  #wake: (() => void) | undefined;
  readonly #writers = new Set<(error: Error) => void>();
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#broken || this.#ended) return Promise.reject(this.#lost());
    if (bytes.length === 0) return Promise.resolve();
    if (this.#buffered + bytes.length <= BUFFER_BYTES) {
      this.#buffered += bytes.length;
      this.#push({ bytes: bytes.slice(), taken: undefined });
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writers.add(reject);
    this.#push({
      bytes,
      taken: () => {
        this.#writers.delete(reject);
        resolve();
      },
    });
    return promise;
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#broken) throw this.#lost();
      if (this.#ended) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    await yieldToEventLoop();
    let count = 0;
    for (
      let chunk = this.#chunks[0];
      chunk !== undefined && count < into.length;
      chunk = this.#chunks[0]
    ) {
      const part = chunk.bytes.subarray(0, into.length - count);
      into.set(part, count);
      count += part.length;
      chunk.bytes = chunk.bytes.subarray(part.length);
      if (chunk.taken === undefined) this.#buffered -= part.length;
      if (chunk.bytes.length > 0) break;
      this.#chunks.shift();
      chunk.taken?.();
    }
    return count;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends it for both sides; the reader still gets what was buffered when the writer was the one to leave. */
  break(options: { byReader: boolean }): void {
    if (options.byReader) {
      this.#broken = true;
      this.#chunks.length = 0;
    }
    // What was not buffered is still the writer's array, which may change from now on: the reader must not see the rest of it.
    const unbuffered = this.#chunks.findIndex(({ taken }) => taken !== undefined);
    if (unbuffered >= 0) this.#chunks.length = unbuffered;
    this.#ended = true;
    for (const reject of this.#writers) reject(this.#lost());
    this.#writers.clear();
    this.#wake?.();
  }

  #push(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  #lost(): Error {
    return new ConnectionClosedError(`Lost the connection to ${this.#name}: it was closed`);
  }
}

function memoryChannel(remote: string, incoming: Pipe, outgoing: Pipe): Channel {
  return {
    remote,
    read: (into) => incoming.read(into),
    write: (bytes) => outgoing.write(bytes),
    closeWrite: () => {
      outgoing.end();
      return Promise.resolve();
    },
    close: () => {
      incoming.break({ byReader: true });
      outgoing.break({ byReader: false });
    },
  };
}

const listeners = new Map<string, QueueListener>();

/** Channels within this isolate; an address is any text. */
export const memoryTransport: Transport = {
  name: "memory",

  connect(address: string, options: { signal?: AbortSignal } = {}): Promise<Channel> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    const listener = listeners.get(address);
    if (listener === undefined) {
      return Promise.reject(
        new ConnectionClosedError(`Cannot connect to ${address}: no server answers there`),
      );
    }
    const up = new Pipe(`memory ${address}`), down = new Pipe(`memory ${address}`);
    listener.offer(memoryChannel(`memory ${address}`, up, down));
    return Promise.resolve(memoryChannel(`memory ${address}`, down, up));
  },

  listen(address: string): Promise<Listener> {
    if (listeners.has(address)) {
      return Promise.reject(
        new Error(
          `Cannot listen on ${address}: the port is in use, choose another or stop what holds it`,
        ),
      );
    }
    const listener = new QueueListener(address, () => listeners.delete(address));
    listeners.set(address, listener);
    return Promise.resolve(listener);
  },
};
