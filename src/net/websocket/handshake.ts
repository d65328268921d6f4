import { runtime } from "../../base/runtime/runtime.ts";
import { ConnectionClosedError } from "../../base/errors.ts";
import { discard } from "../discard.ts";
import type { Channel } from "../transport.ts";
import type { Handshake } from "./framed_channel.ts";
import { PROMPT_SUBPROTOCOL, SUBPROTOCOL } from "./message.ts";
import { BadRequestError, readRequestHead, type RequestHead } from "./request_head.ts";
import { acceptOf, hasToken, type Refusal, refusalOf } from "./upgrade.ts";
import type { WebOrigins } from "./web_origins.ts";

/** Time in seconds for a connection to send its request, TLS included. */
export const HANDSHAKE_SECONDS = 10;
/**
 * Bytes behind a refused request that are read and discarded, so that its sender reads the answer.
 */
const MOST_DISCARDED_BYTES = 64 * 1024;
/** Time in seconds for its sender to close. */
const LINGER_SECONDS = 1;

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  505: "HTTP Version Not Supported",
};

/**
 * Server's half of the handshake (RFC 6455, section 4.2), for a single path. A connection serves
 * one request: one that is refused is answered, and closed.
 */
export function handshakeFor(path: string, webOrigins: WebOrigins): Handshake {
  return async (channel) => {
    try {
      const request = await readRequestHead(channel);
      if (request === undefined) {
        throw new ConnectionClosedError(
          `Lost the connection to ${channel.remote}: it was closed before its HTTP request was whole`,
        );
      }
      const { head, rest } = request;
      const refusal = isFor(head, path)
        ? refusalOf(head, { webOrigins, isOpen: true })
        : { status: 404, text: "Not found" };
      if (refusal !== undefined) throw new BadRequestError(refusal);
      const headers = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": await acceptOf(head),
        "sec-websocket-protocol": isPrompt(head) ? PROMPT_SUBPROTOCOL : SUBPROTOCOL,
      };
      await channel.write(answer("101 Switching Protocols", headers));
      return rest;
    } catch (error) {
      if (!(error instanceof BadRequestError)) throw error;
      await refuse(channel, error.refusal);
      const { status, text } = error.refusal;
      throw new ConnectionClosedError(
        `Lost the connection to ${channel.remote}: its request was answered with HTTP status ${status}: ${text}`,
      );
    }
  };
}

function isPrompt({ headers }: RequestHead): boolean {
  return hasToken(headers, "sec-websocket-protocol", PROMPT_SUBPROTOCOL);
}

function isFor({ target }: RequestHead, path: string): boolean {
  return target.startsWith("/") && URL.parse(`http://host${target}`)?.pathname === path;
}

/** Answers and closes; the answer is read even where more was sent than is looked at. */
async function refuse(channel: Channel, { status, text, headers }: Refusal): Promise<void> {
  const body = `${text}\n`;
  const timer = runtime.timers.setTimeout(() => channel.close(), LINGER_SECONDS * 1000);
  const all = {
    ...headers,
    "connection": headers?.upgrade === undefined ? "close" : "Upgrade, close",
    "content-type": "text/plain",
    "content-length": String(body.length),
  };
  try {
    await channel.write(answer(`${status} ${REASONS[status]}`, all, body));
    await channel.closeWrite();
    await discard(channel, MOST_DISCARDED_BYTES);
  } catch { /* it is gone already */ }
  runtime.timers.clearTimeout(timer);
  channel.close();
}

function answer(
  status: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): Uint8Array<ArrayBuffer> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${body}`);
}
