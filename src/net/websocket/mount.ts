import type { Transport } from "../transport.ts";
import { connectWebSocket } from "./connect.ts";
import { type RequestInfo, RequestUpgrader } from "./request_upgrader.ts";
import { type WebOriginOptions, WebOrigins } from "./web_origins.ts";

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
    connect: (address, { signal } = {}) => connectWebSocket(address, [], signal),
    listen: (address) => Promise.try(() => upgrader.listen(address)),
    handler: (request, info) => upgrader.answer(request, info),
  };
}
