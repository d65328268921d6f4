/**
 * TLS over TCP: traffic is encrypted, and the client knows that it talks to the right server.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import { openSocket } from "../open_socket.ts";
import { BACKLOG, explain, SocketChannel, SocketListener } from "../socket.ts";
import { explainListen, tlsMeaning, unfitCertificate } from "./explain.ts";
import { checkTlsOptions, type TlsOptions } from "./options.ts";
import { tlsServer } from "./server.ts";
import { parseAddress } from "../tcp.ts";
import type { Channel, Listener, Transport } from "../transport.ts";

export type { TlsOptions };

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
        return new SocketListener(
          "tls",
          Deno.listen({ hostname, port, tcpBacklog: BACKLOG }),
          (connection) => {
            connection.setNoDelay(true);
            return secure(new SocketChannel("tls", connection));
          },
        );
      } catch (cause) {
        throw explainListen(address, cause);
      }
    },
  };
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
