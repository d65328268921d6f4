/**
 * Channels within one isolate, for tests and for runs without sockets.
 *
 * @module
 */

import { yieldToEventLoop } from "../base/time/yield_to_event_loop.ts";
import { ConnectionClosedError } from "../base/errors.ts";
import { ChunkQueue } from "./chunk_queue.ts";
import { QueueListener } from "./queue_listener.ts";
import type { Channel, Listener, Transport } from "./transport.ts";

/**
 * Bytes that are buffered, as a socket does: a writer of few bytes need not wait for the reader.
 */
const BUFFER_BYTES = 256 * 1024;

/** Tag of a chunk that is not buffered: called when all of it has been read. */
type OnRead = (() => void) | undefined;

/**
 * One direction of a channel. Bytes that exceed the buffer are copied straight from the writer's
 * array to the reader's.
 */
class Pipe {
  readonly #chunks = new ChunkQueue<OnRead>();
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
      this.#push(bytes.slice(), undefined);
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writers.add(reject);
    this.#push(bytes, () => {
      this.#writers.delete(reject);
      resolve();
    });
    return promise;
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    while (this.#chunks.isEmpty) {
      if (this.#broken) throw this.#lost();
      if (this.#ended) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    await yieldToEventLoop();
    return this.#chunks.take(into, (onRead, count, isWhole) => {
      if (onRead === undefined) this.#buffered -= count;
      else if (isWhole) onRead();
    });
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends it for both sides. If the writer has left, the reader still gets what was buffered. */
  break(options: { byReader: boolean }): void {
    if (options.byReader) {
      this.#broken = true;
      this.#chunks.clear();
    }
    // Bytes that are not buffered are in the writer's array, which may change from now on: the
    // reader must not see the rest of them.
    this.#chunks.dropFrom((onRead) => onRead !== undefined);
    this.#ended = true;
    for (const reject of this.#writers) reject(this.#lost());
    this.#writers.clear();
    this.#wake?.();
  }

  #push(bytes: Uint8Array<ArrayBuffer>, onRead: OnRead): void {
    this.#chunks.add(bytes, onRead);
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

/** Channels within this isolate. An address is any text. */
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
