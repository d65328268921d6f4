import { SecureChannel, type TlsParts } from "./secure_channel.ts";
import type { Channel } from "../transport.ts";

/** What makes accepted channels the server's ends of TLS. Rejects with Deno's error for a certificate and a key that cannot be used. */
export async function tlsServer(
  { cert, key }: { cert: string; key: string },
  words: (cause: unknown) => string,
): Promise<(channel: Channel) => Channel> {
  // `node:tls` would find fault with them at the first handshake only. A client is made without permissions.
  Deno.createHttpClient({ cert, key }).close();
  // Not at the top: no browser has them.
  const { Duplex } = await import("node:stream");
  const { createSecureContext, TLSSocket } = await import("node:tls");
  const secureContext = createSecureContext({ cert, key, minVersion: "TLSv1.2" });
  const parts: TlsParts = {
    stream: (options) => new Duplex(options),
    secure: (stream) => new TLSSocket(stream, { isServer: true, secureContext }),
  };
  return (channel) => new SecureChannel(channel, parts, words);
}
