/**
 * WebSockets: for clients in browsers and workers, and for servers that share a port with other
 * routes.
 *
 * @module
 */

import { Deadlines } from "../../base/time/deadlines.ts";
import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import { SocketChannel, SocketListener } from "../socket.ts";
import { tlsServer } from "../tls/server.ts";
import {
  checkTlsOptions,
  explainListen,
  tlsMeaning,
  type TlsOptions,
  unfitCertificate,
} from "../tls/transport.ts";
import type { Channel, Listener, Transport } from "../transport.ts";
import { type RequestInfo, RequestUpgrader } from "./request_upgrader.ts";
import { FramedChannel } from "./framed_channel.ts";
import { HANDSHAKE_SECONDS, handshakeFor } from "./handshake.ts";
import { SUBPROTOCOL } from "./message.ts";
import { WebSocketChannel, webSocketsClosed } from "./standard_channel.ts";
import { type WebOriginOptions, WebOrigins } from "./web_origins.ts";

export type { RequestInfo, WebOriginOptions };

/**
 * Certificates and rules of one side of a WebSocket. `cert` and `key` are for listening on `wss:`,
 * `caCerts` for connecting; all three are for Deno only.
 */
export interface WebSocketOptions extends Omit<TlsOptions, "serverName">, WebOriginOptions {}

/**
 * WebSocket transport that has no port of its own, but answers the requests that a server passes to
 * it.
 */
export interface WebSocketMount extends Transport {
  /**
   * Answers a request, as a handler of `Deno.serve` or of a router: upgrades it while a server
   * listens on this mount, and otherwise returns a status that says why not.
   *
   * @param info Address of the client. Without it the limits on peers count all clients as one
   * address; behind a proxy pass the client's.
   */
  readonly handler: (request: Request, info?: RequestInfo) => Response;
}

/**
 * WebSockets; addresses are URLs such as `"ws://127.0.0.1:9000/federation"`, or `wss:` for TLS.
 *
 * To connect takes no more than a browser has. To listen takes Deno: a listener answers the URL's
 * path, and 404 elsewhere. It accepts a connection as soon as that is there, before its HTTP
 * request has come, so that the server's limits on peers hold from then on; a request that is not
 * whole after 10 seconds, or has more than 8 KiB, is given up. A message has at most 262,148 bytes,
 * all its fragments together. What waits unread is at most 4 MiB a channel, and 64 KiB as long as
 * the peer has said nothing.
 *
 * Pages may join from `origins`. A page's own server is that whose name is in its address, and that
 * name has to be one of this server's: where it listens on loopback, `localhost` and the loopback
 * addresses; where it listens on a name or an address, that one; where it listens on all
 * interfaces, any IP address and `localhost`; and `hosts` everywhere. Programs that are no browsers
 * name no origin, and are not asked for one.
 *
 * Throws a `TypeError` or `SyntaxError` for a certificate or key that cannot be used, as
 * `tlsTransport` does.
 *
 * @example A server and its client
 * ```ts
 * import { websocketTransport } from "@fedlab/core/net";
 *
 * const transport = websocketTransport();
 * const listener = await transport.listen("ws://127.0.0.1:0/federation");
 * const [near, far] = await Promise.all([transport.connect(listener.address), listener.accept()]);
 * await near.write(Uint8Array.of(1, 2, 3));
 * const into = new Uint8Array(8);
 * console.assert(await far?.read(into) === 3);
 * for (const one of [near, far, listener]) one?.close();
 * ```
 */
export function websocketTransport(options: WebSocketOptions = {}): Transport {
  checkTlsOptions(options);
  return {
    name: "websocket",
    connect: (address, { signal } = {}) => connect(address, options.caCerts ?? [], signal),
    listen: (address) => listen(address, options),
  };
}

/**
 * A WebSocket transport for a server that has other routes too. The address that a topology listens
 * on is then only a name, for messages.
 *
 * The socket is the runtime's here, and the runtime does not limit what a stranger costs:
 * `Deno.serve` waits for a request for as long as it takes, counts no connections, puts the
 * fragments of a message together without a limit before anybody sees it, and takes frames without
 * a mask. A server that strangers reach needs a proxy before it that limits connections, time for a
 * request, and messages to 262,148 bytes; or `websocketTransport`, which does so itself. Deno
 * Deploy has such a proxy. The limits on peers count a connection from its upgrade on.
 *
 * Pages may join from `origins`, and those that were loaded from the host which they ask for, if
 * that is an IP address, `localhost` or one of `hosts`.
 *
 * @example A federation beside a page
 * ```ts
 * import { websocketMount } from "@fedlab/core";
 *
 * const mount = websocketMount();
 * const web = Deno.serve({ port: 0, onListen() {} }, (request, info) => {
 *   const path = URL.parse(request.url)?.pathname;
 *   return path === "/federation" ? mount.handler(request, info) : new Response("Hello");
 * });
 * // A topology does this, given { distBackend: mount, listen: "/federation" }.
 * const listener = await mount.listen("/federation");
 * const [near, far] = await Promise.all([
 *   mount.connect(`ws://localhost:${web.addr.port}/federation`),
 *   listener.accept(),
 * ]);
 * for (const one of [near, far, listener]) one?.close();
 * await web.shutdown();
 * ```
 */
export function websocketMount(options: WebOriginOptions = {}): WebSocketMount {
  const upgrader = new RequestUpgrader(new WebOrigins(options));
  return {
    name: "websocket",
    connect: (address, { signal } = {}) => connect(address, [], signal),
    listen: (address) => Promise.try(() => upgrader.listen(address)),
    handler: (request, info) => upgrader.answer(request, info),
  };
}

/** Resolves when the WebSockets that this isolate has closed so far are gone. */
export async function websocketsSettled(): Promise<void> {
  await webSocketsClosed();
}

/** Returns true if an address is one of this transport, rather than of TCP. */
export function isWebSocketAddress(address: string): boolean {
  return /^wss?:\/\//i.test(address);
}

/** Reads `"ws://HOST:PORT/PATH"` or `wss:`. Throws a `SyntaxError` for anything else. */
export function parseWebSocketAddress(address: string): URL {
  if (!isWebSocketAddress(address) || !URL.canParse(address) || address.includes("#")) {
    throw new SyntaxError(
      `Cannot read the address: expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, got ${
        JSON.stringify(address)
      }`,
    );
  }
  return new URL(address);
}

async function connect(
  address: string,
  caCerts: string[],
  signal: AbortSignal | undefined,
): Promise<Channel> {
  const url = parseWebSocketAddress(address);
  signal?.throwIfAborted();
  // Only Deno takes certificates; without any, this is what every browser has.
  using client = caCerts.length > 0 ? Deno.createHttpClient({ caCerts }) : undefined;
  let socket: WebSocket;
  try {
    socket = client === undefined
      ? new WebSocket(url, SUBPROTOCOL)
      // Beside the DOM's types the constructor has no place for what only Deno takes.
      : Reflect.construct(WebSocket, [url, { protocols: [SUBPROTOCOL], client }]);
  } catch (cause) {
    throw new Error(`Cannot connect to ${address}: ${errorMessage(cause)}`, { cause });
  }
  const channel = new WebSocketChannel(`websocket ${address}`, socket, "client");
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  const stop = () => {
    channel.close();
    reject(signal?.reason);
  };
  socket.onopen = () => resolve();
  channel.ended.then((words) => reject(explain(address, url, words)));
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await opened;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  if (socket.protocol === SUBPROTOCOL) return channel;
  channel.close();
  throw new Error(`Cannot connect to ${address}: what answers there is not FedLab`);
}

/** A browser tells no reason at all; the words are Deno's. */
function explain(address: string, { hostname, protocol }: URL, words: string): Error {
  const action = `Cannot connect to ${address}`;
  const unfit = unfitCertificate(words, hostname);
  if (unfit !== undefined) return new Error(`${action}: ${unfit}`);
  const text = words.replace(/^.*failed to connect to WebSocket: /, "");
  const status = Number(/status code: (\d+)/.exec(text)?.[1]);
  if (status >= 400 && status !== 503) {
    const variable = protocol === "ws:" ? "HTTP_PROXY" : "HTTPS_PROXY";
    const why = `${action}: the server there refuses it with HTTP status ${status}` +
      `, or the proxy of ${variable} does if that is set (NO_PROXY=${hostname} goes past it)`;
    return status < 500 ? new Error(why) : new ConnectionClosedError(why);
  }
  const isNobody = text === "tcp connect error" || status === 503;
  return new ConnectionClosedError(`${action}: ${isNobody ? "no server answers there" : text}`);
}

async function listen(address: string, options: WebSocketOptions): Promise<Listener> {
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
    const sockets = Deno.listen(place);
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
