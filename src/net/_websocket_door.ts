import { errorMessage } from "../errors.ts";
import { QueueListener } from "./_queue_listener.ts";
import { formatAddress } from "./_socket.ts";
import { WebSocketChannel } from "./_websocket_channel.ts";
import type { Listener } from "./transport.ts";

/** Which protocol is spoken over the WebSocket, so that no other application is taken for it. */
export const SUBPROTOCOL = "fedlab.v1";

/** What is known of a request besides itself, as `Deno.serve` tells it. */
export interface RequestInfo {
  /** Where the request came from. */
  readonly remoteAddr: Deno.Addr;
}

/** Makes channels of HTTP requests, as long as somebody listens. */
export class WebSocketDoor {
  readonly #origins: readonly string[];
  readonly #live = new Set<WebSocketChannel>();
  #listener: QueueListener | undefined;

  /** A door that pages of these origins may use, besides those of its own. */
  constructor(origins: readonly string[] = []) {
    this.#origins = origins;
  }

  /** Lets channels in from now on; `onClose` is given the end of those that came in. Throws when it does already. */
  listen(address: string, onClose: (idle: Promise<void>) => void = () => {}): Listener {
    if (this.#listener !== undefined) {
      throw new Error(`Cannot listen on ${address}: another server listens here`);
    }
    return this.#listener = new QueueListener(address, () => {
      this.#listener = undefined;
      onClose(Promise.all([...this.#live].map(({ ended }) => ended)).then(() => {}));
    });
  }

  /** Answers a request: with the upgrade to a channel, or with the status that says why not. */
  answer(request: Request, info?: RequestInfo): Response {
    const listener = this.#listener;
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return refusal(426, "Expected a WebSocket", { upgrade: "websocket" });
    }
    if (!this.#isWelcome(request)) return refusal(403, "Pages of this origin may not join");
    if (listener === undefined) return refusal(503, "No server of a federation listens here");
    const protocols = request.headers.get("sec-websocket-protocol")?.split(",") ?? [];
    if (!protocols.some((protocol) => protocol.trim() === SUBPROTOCOL)) {
      return refusal(400, `Expected the subprotocol ${SUBPROTOCOL}`);
    }
    const remote = remoteOf(info);
    let upgrade: Deno.WebSocketUpgrade;
    try {
      // Signs of life are the connection's business.
      upgrade = Deno.upgradeWebSocket(request, { protocol: SUBPROTOCOL, idleTimeout: 0 });
    } catch (error) {
      return refusal(400, errorMessage(error));
    }
    const channel = new WebSocketChannel(`websocket ${remote}`, upgrade.socket, "server");
    this.#live.add(channel);
    channel.ended.then(() => this.#live.delete(channel));
    upgrade.socket.onopen = () => listener.offer(channel);
    return upgrade.response;
  }

  /** Only a browser says an origin: any page that a user opens could otherwise join a server that only this machine can reach. */
  #isWelcome({ headers }: Request): boolean {
    const origin = headers.get("origin");
    if (origin === null || this.#origins.includes("*") || this.#origins.includes(origin)) {
      return true;
    }
    return URL.canParse(origin) && new URL(origin).host === headers.get("host");
  }
}

/** All whose address is not told are taken for one, to whom the limits on peers apply. */
function remoteOf(info: RequestInfo | undefined): string {
  const address = info?.remoteAddr;
  return address !== undefined && "hostname" in address ? formatAddress(address) : "unknown:0";
}

function refusal(status: number, text: string, headers: HeadersInit = {}): Response {
  return new Response(`${text}\n`, { status, headers });
}
