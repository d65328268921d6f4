import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import { unfitCertificate } from "../tls/explain.ts";
import type { Channel } from "../transport.ts";
import { parseWebSocketAddress } from "./address.ts";
import { PROMPT_SUBPROTOCOL, SUBPROTOCOL } from "./message.ts";
import { WebSocketChannel } from "./standard_channel.ts";

/** Opens a WebSocket. It takes no more than a browser has, unless certificates are given. */
export async function connectWebSocket(
  address: string,
  caCerts: string[],
  signal: AbortSignal | undefined,
): Promise<Channel> {
  const url = parseWebSocketAddress(address);
  signal?.throwIfAborted();
  // Only Deno takes certificates; without any, this is what every browser has.
  using client = caCerts.length > 0 ? Deno.createHttpClient({ caCerts }) : undefined;
  const protocols = [PROMPT_SUBPROTOCOL, SUBPROTOCOL];
  let socket: WebSocket;
  try {
    socket = client === undefined
      ? new WebSocket(url, protocols)
      // Beside the DOM's types the constructor has no place for what only Deno takes.
      : Reflect.construct(WebSocket, [url, { protocols, client }]);
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
  if (protocols.includes(socket.protocol)) return channel;
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
