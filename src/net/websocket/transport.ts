/**
 * WebSockets: for clients in browsers and workers, and for servers that share a port with other
 * routes.
 *
 * @module
 */

import { lazy } from "../../base/lazy.ts";
import { checkTlsOptions, type TlsOptions } from "../tls/options.ts";
import type { Transport } from "../transport.ts";
import type { WebOriginOptions } from "./web_origins.ts";

const loadConnect = /* @__PURE__ */ lazy(() => import("./connect.ts"));

/**
 * Certificates and rules of one side of a WebSocket. `cert` and `key` are for listening on `wss:`,
 * `caCerts` for connecting; all three are for Deno only.
 */
export interface WebSocketOptions extends Omit<TlsOptions, "serverName">, WebOriginOptions {}

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
    async connect(address, { signal } = {}) {
      const { connectWebSocket } = await loadConnect();
      return await connectWebSocket(address, options.caCerts ?? [], signal);
    },
    async listen(address) {
      const { listenWebSocket } = await import("./listen.ts");
      return await listenWebSocket(address, options);
    },
  };
}

/** Resolves when the WebSockets that this isolate has closed so far are gone. */
export async function websocketsSettled(): Promise<void> {
  const { webSocketsClosed } = await import("./standard_channel.ts");
  await webSocketsClosed();
}
