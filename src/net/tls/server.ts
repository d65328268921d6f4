import { SecureChannel, type TlsParts } from "./secure_channel.ts";
import type { Channel } from "../transport.ts";

/**
 * Returns a function that creates the server's end of TLS over an accepted channel. Rejects with
 * Deno's error if the certificate and key cannot be used.
 */
export async function tlsServer(
  { cert, key }: { cert: string; key: string },
  words: (cause: unknown) => string,
): Promise<(channel: Channel) => Channel> {
  // `node:tls` would report errors of them at the first handshake only. A client needs no
  // permissions.
  Deno.createHttpClient({ cert, key }).close();
  // Imported here, since browsers do not have them.
  const { Duplex } = await import("node:stream");
  const { createSecureContext, TLSSocket } = await import("node:tls");
  const secureContext = createSecureContext({ cert, key, minVersion: "TLSv1.2" });
  const parts: TlsParts = {
    stream: (options) => new Duplex(options),
    secure: (stream) => new TLSSocket(stream, { isServer: true, secureContext }),
  };
  return (channel) => new SecureChannel(channel, parts, words);
}
