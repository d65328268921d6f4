import type { Channel, Transport } from "../../net/transport.ts";
import { FrameReader } from "../../wire/frame_reader.ts";
import type { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";

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
      const reader = new FrameReader();
      return tapped(await transport.connect(address, options), (bytes) => {
        for (const frame of reader.take(bytes)) {
          if (codes.has(frame.code)) onMessage(frame.decode());
        }
      });
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
