import { errorMessage } from "../../base/errors.ts";
import { QueueListener } from "../queue_listener.ts";
import { formatAddress } from "../socket.ts";
import type { Listener } from "../transport.ts";
import { SUBPROTOCOL } from "./message.ts";
import { WebSocketChannel } from "./standard_channel.ts";
import { type Refusal, refusalOf } from "./upgrade.ts";
import type { WebOrigins } from "./web_origins.ts";

/** Information about a request, as `Deno.serve` provides it. */
export interface RequestInfo {
  /** Address that the request came from. */
  readonly remoteAddr: Deno.Addr;
}

/** Upgrades HTTP requests to channels while a listener is open. */
export class RequestUpgrader {
  readonly #webOrigins: WebOrigins;
  #listener: QueueListener | undefined;

  /** Creates an upgrader with rules for web pages. */
  constructor(webOrigins: WebOrigins) {
    this.#webOrigins = webOrigins;
  }

  /**
   * Opens the listener.
   *
   * @throws {Error} If it is open already.
   */
  listen(address: string): Listener {
    if (this.#listener !== undefined) {
      throw new Error(`Cannot listen on ${address}: another server listens here`);
    }
    return this.#listener = new QueueListener(address, () => this.#listener = undefined);
  }

  /** Answers a request with the upgrade to a channel, or with the status that says why not. */
  answer(request: Request, info?: RequestInfo): Response {
    const listener = this.#listener;
    const isOpen = listener !== undefined;
    const refusal = refusalOf(request, { webOrigins: this.#webOrigins, isOpen });
    if (refusal !== undefined || !isOpen) return responseOf(refusal);
    // Not known any more once the request is upgraded.
    const remote = remoteOf(info);
    let upgrade: Deno.WebSocketUpgrade;
    try {
      // Signs of life are the connection's business.
      upgrade = Deno.upgradeWebSocket(request, { protocol: SUBPROTOCOL, idleTimeout: 0 });
    } catch (error) {
      return responseOf({ status: 400, text: errorMessage(error) });
    }
    const { socket, response } = upgrade;
    const channel = new WebSocketChannel(`websocket ${remote}`, socket, "server");
    socket.onopen = () => listener.offer(channel);
    return response;
  }
}

/** Requests without an address count as one peer, to which the limits on peers apply. */
function remoteOf(info: RequestInfo | undefined): string {
  const address = info?.remoteAddr;
  return address !== undefined && "hostname" in address ? formatAddress(address) : "unknown:0";
}

function responseOf(refusal: Refusal | undefined): Response {
  const { status, text, headers } = refusal ?? { status: 503, text: "Nobody listens" };
  return new Response(`${text}\n`, { status, headers: { ...headers } });
}
