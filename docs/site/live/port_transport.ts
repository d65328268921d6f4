import type { Channel, Listener, Transport } from "@fedlab/core/net";

/** What a port carries: bytes, the end of one direction, or the end of both. */
type Parcel = Uint8Array<ArrayBuffer> | "end" | "close";

/** Channel over a port of a `MessageChannel`, whose other end is in another worker. */
class PortChannel implements Channel {
  readonly remote = "a worker of this page";
  readonly #port: MessagePort;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #hasEnded = false;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<Parcel>) => {
      if (typeof data !== "string") this.#chunks.push(data);
      else if (data === "end") this.#hasEnded = true;
      else this.#isClosed = true;
      this.#wake?.();
    };
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#hasEnded) return null;
      if (this.#isClosed) throw new Error("Cannot read: the channel is closed");
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const chunk = this.#chunks[0] ?? new Uint8Array();
    const taken = chunk.subarray(0, into.length);
    into.set(taken);
    if (taken.length === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(taken.length);
    return taken.length;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("Cannot write: the channel is closed"));
    const copy = bytes.slice();
    this.#port.postMessage(copy, [copy.buffer]);
    return Promise.resolve();
  }

  closeWrite(): Promise<void> {
    if (!this.#isClosed) this.#port.postMessage("end" satisfies Parcel);
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#port.postMessage("close" satisfies Parcel);
    this.#isClosed = true;
    this.#wake?.();
  }
}

/** Listener whose channels are there from the start. */
class PortListener implements Listener {
  readonly address: string;
  readonly #channels: Channel[];
  readonly #closed = Promise.withResolvers<null>();

  constructor(address: string, ports: readonly MessagePort[]) {
    this.address = address;
    this.#channels = ports.map((port) => new PortChannel(port));
  }

  accept(): Promise<Channel | null> {
    const channel = this.#channels.shift();
    return channel ? Promise.resolve(channel) : this.#closed.promise;
  }

  close(): void {
    this.#closed.resolve(null);
    for (const channel of this.#channels.splice(0)) channel.close();
  }
}

/**
 * Transport among the workers of a page: a server listens on the ports, and a client connects by
 * the one that it has.
 */
export function portTransport(ports: readonly MessagePort[]): Transport {
  const unused = [...ports];
  return {
    name: "port",
    connect(address) {
      const port = unused.shift();
      return port
        ? Promise.resolve(new PortChannel(port))
        : Promise.reject(new Error(`Cannot connect to ${address}: the page has no further port`));
    },
    listen: (address) => Promise.resolve(new PortListener(address, unused.splice(0))),
  };
}
