import { runtime } from "../../base/runtime/runtime.ts";
import { SUBPROTOCOL } from "./message.ts";
import { parseHost, type WebOrigins } from "./web_origins.ts";

/** The version of the WebSocket protocol (RFC 6455). */
const VERSION = "13";
/**
 * Text that a server appends to the client's key to show that it speaks the protocol (RFC 6455,
 * section 1.3).
 */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Refusal of a request to upgrade. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  /** One line for the sender. */
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Parts of a request that are checked. */
export interface UpgradeRequest {
  readonly method: string;
  readonly headers: Headers;
}

/**
 * Returns the reason for which a request is not upgraded to a WebSocket; `undefined` if it may be.
 *
 * @param options Rules for web pages, and whether a server listens.
 */
export function refusalOf(
  { method, headers }: UpgradeRequest,
  { webOrigins, isOpen }: { webOrigins: WebOrigins; isOpen: boolean },
): Refusal | undefined {
  if (parseHost(headers.get("host") ?? "") === undefined) {
    return { status: 400, text: "Malformed Host" };
  }
  if (method !== "GET") {
    return { status: 405, text: "Expected the method GET", headers: { allow: "GET" } };
  }
  if (!hasToken(headers, "upgrade", "websocket") || !hasToken(headers, "connection", "upgrade")) {
    return { status: 426, text: "Expected a WebSocket", headers: { upgrade: "websocket" } };
  }
  const unwelcome = webOrigins.refusal(headers);
  if (unwelcome !== undefined) return { status: 403, text: unwelcome };
  if (!isOpen) return { status: 503, text: "No server of a federation listens here" };
  if (headers.get("sec-websocket-version") !== VERSION) {
    const wanted = { "sec-websocket-version": VERSION };
    return { status: 426, text: `Expected version ${VERSION} of WebSockets`, headers: wanted };
  }
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    return { status: 400, text: "Expected a Sec-WebSocket-Key of 16 bytes" };
  }
  if (!hasToken(headers, "sec-websocket-protocol", SUBPROTOCOL)) {
    return { status: 400, text: `Expected the subprotocol ${SUBPROTOCOL}` };
  }
  return undefined;
}

/** Returns the server's answer to the key of a request that it upgrades. */
export async function acceptOf({ headers }: UpgradeRequest): Promise<string> {
  const text = `${headers.get("sec-websocket-key")}${KEY_SUFFIX}`;
  const digest = await runtime.crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64();
}

/** Reports whether a header lists a token, which is given in lower case. */
export function hasToken(headers: Headers, name: string, token: string): boolean {
  const tokens = headers.get(name)?.split(",") ?? [];
  return tokens.some((one) => one.trim().toLowerCase() === token);
}
