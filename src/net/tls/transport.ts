/**
 * TLS over TCP: traffic is encrypted, and the client knows that it talks to the right server.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import { openSocket } from "../open_socket.ts";
import { explain, SocketChannel, SocketListener } from "../socket.ts";
import { tlsServer } from "./server.ts";
import { parseAddress } from "../tcp.ts";
import type { Channel, Listener, Transport } from "../transport.ts";

/** Certificates and keys of one side of TLS. All texts are PEM. */
export interface TlsOptions {
  /**
   * Certificate of the server, followed by those between it and the CA. Needed to listen, with
   * `key`.
   */
  cert?: string;
  /** Private key of `cert`, in PKCS#8. */
  key?: string;
  /** Certificates of CAs that the client trusts besides those that Deno trusts by default. */
  caCerts?: string[];
  /** Name or IP address in the server's certificate. Default: the host of the address. */
  serverName?: string;
}

/**
 * TLS over TCP. Addresses are `"HOST:PORT"`.
 *
 * The client checks the server's certificate before it sends anything. A certificate that does not
 * fit is an `Error` rather than a `ConnectionClosedError`, since another try would end the same
 * way.
 *
 * @throws {TypeError} If a certificate lacks its key, or the reverse.
 * @throws {SyntaxError} If a text is not the expected PEM.
 *
 * @example A server and its client
 * ```ts
 * import { tlsTransport } from "@fedlab/core/net";
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
        // `Deno.connectTls` takes no signal and delays small writes until earlier ones are
        // acknowledged.
        const plain = await openSocket({ hostname, port }, signal);
        connection = plain;
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
        // The handshake runs after the socket is accepted, so that a slow peer delays no other.
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

/**
 * Checks certificates and keys.
 *
 * @throws {TypeError} If a certificate lacks its key, or the reverse.
 * @throws {SyntaxError} If a text is not the expected PEM.
 */
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

/** Creates the one-line error of a listener that could not be opened, with TLS or without. */
export function explainListen(address: string, cause: unknown): Error {
  if (!isTlsFault(cause)) return explain("listen on", address, cause);
  const why = errorMessage(cause).includes("KeyMismatch")
    ? "the key is not the certificate's"
    : errorMessage(cause);
  return new Error(`Cannot listen on ${address}: ${why}`, { cause });
}

/** Checks that a text is PEM. The error does not quote the text: it may be a key. */
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

/** Explains an error about the server's certificate; `undefined` for other errors. */
export function unfitCertificate(words: string, name: string): string | undefined {
  if (words.includes("UnknownIssuer")) {
    return "the server's certificate is signed by no CA that this client trusts";
  }
  const others = /not valid for name .*?; certificate is only valid for (.*)$/.exec(words)?.[1];
  if (others === undefined) return undefined;
  const names = [...others.matchAll(/\w+\("?([^")]+)"?\)/g)].map((match) => match[1]);
  return `the server's certificate is for ${names.join(", ")}, not for ${name}`;
}

/** Explains an error of the TLS library. */
export function tlsMeaning(cause: unknown): string {
  const text = errorMessage(cause);
  if (text.includes("corrupt message")) return "the other side does not speak TLS";
  const alert = /received fatal alert: (\w+)/.exec(text)?.[1];
  if (alert === "UnknownCA" || alert === "BadCertificate" || alert === "CertificateUnknown") {
    return `the other side does not take this side's certificate (${alert})`;
  }
  return text;
}
