/**
 * TCP over Deno's sockets.
 *
 * @module
 */

import { openSocket } from "./open_socket.ts";
import { BACKLOG, explain, SocketChannel, SocketListener } from "./socket.ts";
import type { Channel, Listener, Transport } from "./transport.ts";

/**
 * Splits `"HOST:PORT"`, `"[::1]:9000"` or `":9000"` (all interfaces).
 *
 * @throws {SyntaxError} If the address has another form.
 */
export function parseAddress(address: string): { hostname: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new SyntaxError(
      `Cannot read the address: expected HOST:PORT, got ${JSON.stringify(address)}`,
    );
  }
  return { hostname: match[1] || match[2] || "0.0.0.0", port };
}

function channelOf(connection: Deno.TcpConn): Channel {
  connection.setNoDelay(true);
  return new SocketChannel("tcp", connection);
}

/** TCP sockets. Addresses are `"HOST:PORT"`. */
export const tcpTransport: Transport = {
  name: "tcp",

  async connect(address: string, options: { signal?: AbortSignal } = {}): Promise<Channel> {
    const place = parseAddress(address);
    options.signal?.throwIfAborted();
    try {
      return new SocketChannel("tcp", await openSocket(place, options.signal));
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw explain("connect to", address, cause);
    }
  },

  listen(address: string): Promise<Listener> {
    const { hostname, port } = parseAddress(address);
    try {
      return Promise.resolve(
        new SocketListener("tcp", Deno.listen({ hostname, port, tcpBacklog: BACKLOG }), channelOf),
      );
    } catch (cause) {
      return Promise.reject(explain("listen on", address, cause));
    }
  },
};
