import type { Channel, Transport } from "../../net/transport.ts";
import type { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import { FrameReader } from "./frame_reader.ts";

/**
 * Returns a transport whose outgoing bytes are read along: what leaves a process is known from
 * there, whatever the process makes of it.
 *
 * @param codes Messages to read; of others only the length is.
 * @param onMessage Called with each message before it is written.
 */
export function tappedTransport(
  transport: Transport,
  codes: ReadonlySet<MessageCode>,
  onMessage: (message: Message) => void,
): Transport {
  return {
    name: transport.name,
    listen: (address) => transport.listen(address),
    connect: async (address, options) => {
      const reader = new FrameReader(onMessage, codes);
      return tapped(await transport.connect(address, options), (bytes) => reader.take(bytes));
    },
  };
}

function tapped(channel: Channel, onWrite: (bytes: Uint8Array<ArrayBuffer>) => void): Channel {
  return {
    remote: channel.remote,
    read: (into) => channel.read(into),
    write: (bytes) => {
      onWrite(bytes);
      return channel.write(bytes);
    },
    closeWrite: () => channel.closeWrite(),
    close: () => channel.close(),
  };
}
