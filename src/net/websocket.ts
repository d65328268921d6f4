/**
 * WebSockets: for clients in browsers and workers, and for servers that share a port with other routes.
 *
 * @module
 */

import { ConnectionClosedError, errorMessage } from "../errors.ts";
import { WebSocketChannel, webSocketsClosed } from "./_websocket_channel.ts";
import { type RequestInfo, SUBPROTOCOL, WebSocketDoor } from "./_websocket_door.ts";
import { within } from "./timeouts.ts";
import { checkTlsOptions, explainListen, type TlsOptions, unfitCertificate } from "./tls.ts";
import type { Channel, Listener, Transport } from "./transport.ts";

export type { RequestInfo };

/** How long a port is waited for that a listener of this process is about to set free. */
const RELEASE_SECONDS = 2;

/** What a side of a WebSocket knows. `cert` and `key` are for listening on `wss:`, `caCerts` for connecting, and for Deno only. */
export interface WebSocketOptions extends Omit<TlsOptions, "serverName"> {
  /** Origins, such as `"https://example.org"`, whose pages may join besides the server's own; `"*"` stands for all. Default: none. */
  origins?: readonly string[];
}

/** A WebSocket transport that listens on no port of its own, but answers the requests that a server hands to it. */
export interface WebSocketMount extends Transport {
  /**
   * Answers a request, as a handler of `Deno.serve` or of a router does: upgrades it while a server listens on this mount, and says why not by a
   * status otherwise. Without `info` the limits on peers take all clients for one address; behind a proxy give it the client's.
   */
  readonly handler: (request: Request, info?: RequestInfo) => Response;
}

/** Listeners of this process that are closed, and whose ports are free once these resolve. */
const closing = new Map<number, Promise<void>>();

/**
 * WebSockets; addresses are URLs such as `"ws://127.0.0.1:9000/federation"`, or `wss:` for TLS.
 *
 * To connect takes no more than a browser has. To listen takes Deno: `Deno.serve` answers the URL's path, and 404 elsewhere. When a listener is closed its
 * port is free as soon as the channels that it accepted have ended.
 *
 * What waits unread is at most 4 MiB a channel, and 64 KiB as long as the peer has said nothing. Deno itself takes in a single WebSocket message of up to
 * 64 MiB before it is refused: before a server that strangers reach, put a proxy that limits messages to 262,148 bytes.
 *
 * Throws a `TypeError` or `SyntaxError` for a certificate or key that cannot be used, as `tlsTransport` does.
 *
 * @example A server and its client
 * ```ts
 * import { websocketTransport } from "@fedlab/core";
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
 * A WebSocket transport for a server that has other routes too. The address that a topology listens on is then only a name, for messages.
 *
 * @example A federation beside a page
 * ```ts
 * import { websocketMount } from "@fedlab/core";
 *
 * const mount = websocketMount();
 * const web = Deno.serve({ port: 0, onListen() {} }, (request, info) => {
 *   const { pathname } = new URL(request.url);
 *   return pathname === "/federation" ? mount.handler(request, info) : new Response("Hello");
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
export function websocketMount(options: Pick<WebSocketOptions, "origins"> = {}): WebSocketMount {
  const door = new WebSocketDoor(options.origins);
  return {
    name: "websocket",
    connect: (address, { signal } = {}) => connect(address, [], signal),
    listen: (address) => Promise.try(() => door.listen(address)),
    handler: (request, info) => door.answer(request, info),
  };
}

/** Resolves when what this isolate has closed so far is gone: its WebSockets, and the ports of its listeners. */
export async function websocketsSettled(): Promise<void> {
  await Promise.all([webSocketsClosed(), ...closing.values()]);
}

/** Whether an address is one of this transport, rather than of TCP. */
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
      : new WebSocket(url, { protocols: [SUBPROTOCOL], client });
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
function explain(address: string, { hostname }: URL, words: string): Error {
  const action = `Cannot connect to ${address}`;
  const unfit = unfitCertificate(words, hostname);
  if (unfit !== undefined) return new Error(`${action}: ${unfit}`);
  const text = words.replace(/^.*failed to connect to WebSocket: /, "");
  const status = Number(/status code: (\d+)/.exec(text)?.[1]);
  if (status >= 400 && status < 500) {
    return new Error(`${action}: the server there refuses it with HTTP status ${status}`);
  }
  const isNobody = text === "tcp connect error" || status === 503;
  return new ConnectionClosedError(`${action}: ${isNobody ? "no server answers there" : text}`);
}

async function listen(address: string, options: WebSocketOptions): Promise<Listener> {
  const url = parseWebSocketAddress(address);
  const { cert, key, origins } = options;
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
  const port = Number(url.port || (isSecure ? 443 : 80));
  const released = closing.get(port);
  if (released !== undefined) {
    const late = () => new Error("late");
    await within(released, { seconds: RELEASE_SECONDS, late }).catch(() => {});
  }
  const door = new WebSocketDoor(origins);
  const stop = new AbortController();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      {
        hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
        port,
        signal: stop.signal,
        onListen() {},
        ...(cert !== undefined && key !== undefined && { cert, key }),
      },
      (request, info) =>
        new URL(request.url).pathname === url.pathname
          ? door.answer(request, info)
          : new Response("Not found\n", { status: 404 }),
    );
  } catch (cause) {
    throw explainListen(address, cause);
  }
  const bound = server.addr.port;
  const real = `${url.protocol}//${url.hostname}:${bound}${url.pathname}`;
  return door.listen(real, (idle) => {
    const released = idle.then(() => {
      stop.abort();
      return server.finished;
    });
    closing.set(bound, released.finally(() => closing.delete(bound)));
  });
}
