import type { Transport } from "../../mod.ts";
import { type Channel, type Listener, transportOf } from "../../src/net/mod.ts";
import type { TransportName } from "./settings.ts";

/** A server's transport that can die as a process does: at once, and without a word to anybody. */
export class CrashableTransport implements Transport {
  readonly name: string;
  readonly #inner: Transport;
  readonly #channels = new Set<Channel>();
  readonly #listeners = new Set<Listener>();
  #isDead = false;

  constructor(name: TransportName) {
    this.name = name;
    this.#inner = transportOf(name);
  }

  connect(address: string, options?: { signal?: AbortSignal }): Promise<Channel> {
    return this.#inner.connect(address, options);
  }

  async listen(address: string): Promise<Listener> {
    const listener = await this.#inner.listen(address);
    this.#listeners.add(listener);
    return {
      address: listener.address,
      accept: async () => {
        const channel = await listener.accept();
        if (channel === null) return null;
        if (this.#isDead) channel.close();
        const watched: Channel = {
          remote: channel.remote,
          read: (into) => channel.read(into),
          write: (bytes) => channel.write(bytes),
          closeWrite: () => channel.closeWrite(),
          close: () => {
            this.#channels.delete(watched);
            channel.close();
          },
        };
        this.#channels.add(watched);
        return watched;
      },
      close: () => listener.close(),
    };
  }

  /** Ends all of it. */
  crash(): void {
    this.#isDead = true;
    for (const listener of this.#listeners) listener.close();
    for (const channel of this.#channels) channel.close();
  }
}
