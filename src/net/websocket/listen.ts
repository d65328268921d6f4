import { Deadlines } from "../../base/time/deadlines.ts";
import { BACKLOG, SocketChannel, SocketListener } from "../socket.ts";
import { explainListen, tlsMeaning } from "../tls/explain.ts";
import { tlsServer } from "../tls/server.ts";
import type { Channel, Listener } from "../transport.ts";
import { parseWebSocketAddress } from "./address.ts";
import { FramedChannel } from "./framed_channel.ts";
import { HANDSHAKE_SECONDS, handshakeFor } from "./handshake.ts";
import type { WebSocketOptions } from "./transport.ts";
import { WebOrigins } from "./web_origins.ts";

/** Listens on the port and the path of a URL. */
export async function listenWebSocket(
  address: string,
  options: WebSocketOptions,
): Promise<Listener> {
  const url = parseWebSocketAddress(address);
  const { cert, key } = options;
  const isSecure = url.protocol === "wss:";
  if (isSecure !== (cert !== undefined)) {
    throw new TypeError(
      `Cannot listen on ${address}: ${
        isSecure
          ? "wss needs a certificate and its key"
          : "expected wss, since there is a certificate"
      }`,
    );
  }
  const handshake = handshakeFor(url.pathname, new WebOrigins(options, url.hostname));
  const place = {
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || (isSecure ? 443 : 80)),
  };
  const deadlines = new Deadlines(HANDSHAKE_SECONDS);
  let listener: SocketListener<Deno.TcpConn>;
  let port: number;
  try {
    const secure = cert !== undefined && key !== undefined
      ? await tlsServer({ cert, key }, tlsMeaning)
      : (channel: Channel) => channel;
    const sockets = Deno.listen({ ...place, tcpBacklog: BACKLOG });
    port = sockets.addr.port;
    listener = new SocketListener("websocket", sockets, (connection) => {
      connection.setNoDelay(true);
      const channel = secure(new SocketChannel("websocket", connection));
      return new FramedChannel(channel, handshake, deadlines);
    });
  } catch (cause) {
    throw explainListen(address, cause);
  }
  return {
    address: `${url.protocol}//${url.hostname}:${port}${url.pathname}`,
    accept: (isWelcome) => listener.accept(isWelcome),
    close: () => listener.close(),
  };
}
