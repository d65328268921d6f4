/**
 * TLS over TCP: what travels is secret, and the client knows that it talks to the server it means.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import { explain, SocketChannel, SocketListener } from "../socket.ts";
import { tlsServer } from "./server.ts";
import { parseAddress } from "../tcp.ts";
import type { Channel, Listener, Transport } from "../transport.ts";

/** What a side of TLS knows. All texts are PEM. */
export interface TlsOptions {
  /** The server's certificate, followed by those between it and the CA; needed to listen, together with `key`. */
  cert?: string;
  /** The private key of `cert`, in PKCS#8. */
  key?: string;
  /** Certificates of CAs that the client trusts besides the ones that Deno trusts by default. */
  caCerts?: string[];
  /** The name or IP address that the server's certificate has to be for. Default: the host of the address. */
  serverName?: string;
}

/**
 * TLS over TCP; addresses are `"HOST:PORT"`.
 *
 * The client checks the server's certificate before it says anything. A certificate that does not fit is an `Error` rather than a
 * `ConnectionClosedError`, since another try would end the same way.
 *
 * Throws a `TypeError` for a certificate without its key or the reverse, and a `SyntaxError` for a text that is not the PEM it should be.
 *
 * @example A server and its client
 * ```ts
 * import { tlsTransport } from "@fedlab/core";
 *
 * async function open(folder: string): Promise<void> {
 *   const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
 *   const server = tlsTransport({ cert: await read("server.pem"), key: await read("server.key") });
 *   const listener = await server.listen("127.0.0.1:0");
 *   const client = tlsTransport({ caCerts: [await read("ca.pem")] });
 *   const [near, far] = await Promise.all([client.connect(listener.address), listener.accept()]);
 *   for (const one of [near, far, listener]) one?.close();
 * }
 * ```
 */
export function tlsTransport(options: TlsOptions): Transport {
  checkTlsOptions(options);
  const { cert, key, caCerts = [], serverName } = options;

  return {
    name: "tls",

    async connect(address: string, { signal }: { signal?: AbortSignal } = {}): Promise<Channel> {
      const { hostname, port } = parseAddress(address);
      signal?.throwIfAborted();
      let connection: Deno.Conn | undefined;
      const close = () => connection?.close();
      try {
        // Not `Deno.connectTls`, which takes no signal and lets small writes wait for the answer to those before.
        const plain = await Deno.connect({ hostname, port, ...(signal && { signal }) });
        connection = plain;
        plain.setNoDelay(true);
        const secure = await Deno.startTls(plain, { hostname: serverName ?? hostname, caCerts });
        connection = secure;
        signal?.addEventListener("abort", close);
        signal?.throwIfAborted();
        await secure.handshake();
        signal?.throwIfAborted();
        return new SocketChannel("tls", secure, tlsMeaning);
      } catch (cause) {
        try {
          close();
        } catch { /* it was closed already */ }
        signal?.throwIfAborted();
        throw explainHandshake(address, serverName ?? hostname, cause);
      } finally {
        signal?.removeEventListener("abort", close);
      }
    },

    async listen(address: string): Promise<Listener> {
      const { hostname, port } = parseAddress(address);
      if (cert === undefined || key === undefined) {
        throw new TypeError(`Cannot listen on ${address}: TLS needs a certificate and its key`);
      }
      try {
        const secure = await tlsServer({ cert, key }, tlsMeaning);
        // The handshake goes on behind the accepted socket, so that a slow peer lets no other wait.
        return new SocketListener("tls", Deno.listen({ hostname, port }), (connection) => {
          connection.setNoDelay(true);
          return secure(new SocketChannel("tls", connection));
        });
      } catch (cause) {
        throw explainListen(address, cause);
      }
    },
  };
}

/** Throws a `TypeError` for a certificate without its key or the reverse, and a `SyntaxError` for a text that is not the PEM it should be. */
export function checkTlsOptions({ cert, key, caCerts = [] }: TlsOptions): void {
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError(
      `Cannot use TLS: expected a certificate and its key, got only the ${
        cert === undefined ? "key" : "certificate"
      }`,
    );
  }
  if (cert !== undefined) checkPem("cert", cert, "CERTIFICATE");
  if (key !== undefined) checkPem("key", key, "PRIVATE KEY");
  caCerts.forEach((text, i) => checkPem(`caCerts[${i}]`, text, "CERTIFICATE"));
}

/** The one-line error of a listener that could not be had, with TLS or without. */
export function explainListen(address: string, cause: unknown): Error {
  if (!isTlsFault(cause)) return explain("listen on", address, cause);
  const why = errorMessage(cause).includes("KeyMismatch")
    ? "the key is not the certificate's"
    : errorMessage(cause);
  return new Error(`Cannot listen on ${address}: ${why}`, { cause });
}

/** Says what is amiss, never what the text is: it may be a key. */
function checkPem(name: string, text: string, label: string): void {
  // A PKCS#1 or SEC1 key says "RSA PRIVATE KEY" or "EC PRIVATE KEY".
  const begin = new RegExp(`^-----BEGIN (?:RSA |EC )?${label}-----\\s*$`, "m");
  if (!begin.test(text)) {
    throw new SyntaxError(
      `Cannot use TLS: expected ${name} to be a PEM text with -----BEGIN ${label}-----`,
    );
  }
}

function isTlsFault(cause: unknown): boolean {
  return cause instanceof runtime.errors.InvalidData ||
    cause instanceof Error && cause.message.includes("KeyMismatch");
}

function explainHandshake(address: string, name: string, cause: unknown): Error {
  const action = `Cannot connect to ${address}`;
  if (cause instanceof runtime.errors.UnexpectedEof) {
    const why = "the server there closed during the TLS handshake";
    return new ConnectionClosedError(`${action}: ${why}`, { cause });
  }
  if (!(cause instanceof runtime.errors.InvalidData)) return explain("connect to", address, cause);
  return new Error(
    `${action}: ${unfitCertificate(errorMessage(cause), name) ?? tlsMeaning(cause)}`,
    {
      cause,
    },
  );
}

/** Why the server's certificate does not do, if the TLS library's words are about that. */
export function unfitCertificate(words: string, name: string): string | undefined {
  if (words.includes("UnknownIssuer")) {
    return "the server's certificate is signed by no CA that this client trusts";
  }
  const others = /not valid for name .*?; certificate is only valid for (.*)$/.exec(words)?.[1];
  if (others === undefined) return undefined;
  const names = [...others.matchAll(/\w+\("?([^")]+)"?\)/g)].map((match) => match[1]);
  return `the server's certificate is for ${names.join(", ")}, not for ${name}`;
}

/** What the TLS library's words mean to somebody who has to mend it. */
export function tlsMeaning(cause: unknown): string {
  const text = errorMessage(cause);
  if (text.includes("corrupt message")) return "the other side does not speak TLS";
  const alert = /received fatal alert: (\w+)/.exec(text)?.[1];
  if (alert === "UnknownCA" || alert === "BadCertificate" || alert === "CertificateUnknown") {
    return `the other side does not take this side's certificate (${alert})`;
  }
  return text;
}
