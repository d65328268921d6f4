import type { Channel, Transport } from "../../src/net/transport.ts";
import { decodeBody, decodePrefix, PREFIX_BYTES } from "../../src/wire/frame.ts";
import type { Message } from "../../src/wire/messages.ts";

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
    return this.#written.flatMap((pieces) => messagesOf(pieces));
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

/** Decodes the frames of a stream. A last one that is not whole is left out. */
function messagesOf(pieces: readonly Uint8Array[]): Message[] {
  const total = pieces.reduce((sum, { length }) => sum + length, 0), bytes = new Uint8Array(total);
  let filled = 0;
  for (const piece of pieces) {
    bytes.set(piece, filled);
    filled += piece.length;
  }
  const messages: Message[] = [];
  for (let at = 0; at + PREFIX_BYTES <= total;) {
    const { code, bodyLength } = decodePrefix(bytes.subarray(at, at + PREFIX_BYTES));
    at += PREFIX_BYTES;
    if (at + bodyLength > total) break;
    messages.push(decodeBody(code, bytes.slice(at, at + bodyLength)));
    at += bodyLength;
  }
  return messages;
}
