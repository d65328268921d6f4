import type { Channel, Transport } from "../../src/net/transport.ts";
import type { Message } from "../../src/wire/messages.ts";
import { FrameReader } from "../../src/wire/frame_reader.ts";

/** Transport that keeps what its clients write. */
export class RecordedTransport implements Transport {
  readonly name: string;
  readonly #inner: Transport;
  readonly #written: Uint8Array[][] = [];

  /** Wraps a transport. */
  constructor(inner: Transport) {
    this.name = inner.name;
    this.#inner = inner;
  }

  /** Messages that clients have sent, in the order in which they connected. */
  get sent(): Message[] {
    return this.#written.flatMap((pieces) => {
      const reader = new FrameReader();
      return pieces.flatMap((piece) => [...reader.take(piece)].map((frame) => frame.decode()));
    });
  }

  async connect(...args: Parameters<Transport["connect"]>): Promise<Channel> {
    const channel = await this.#inner.connect(...args), pieces: Uint8Array[] = [];
    this.#written.push(pieces);
    const { remote } = channel;
    return {
      remote,
      read: (into) => channel.read(into),
      write: (bytes) => {
        pieces.push(bytes.slice());
        return channel.write(bytes);
      },
      closeWrite: () => channel.closeWrite(),
      close: () => channel.close(),
    };
  }

  listen(address: string): ReturnType<Transport["listen"]> {
    return this.#inner.listen(address);
  }
}
