/**
 * TCP by Deno's own sockets.
 *
 * @module
 */

import { ConnectionClosedError, errorMessage } from "../errors.ts";
import type { Channel, Listener, Transport } from "./transport.ts";

// Shares of this size leave little in flight, so that it stays in the cache: over loopback a large vector moves a third faster than in one piece.
const WRITE_BYTES = 768 * 1024;
const READ_BYTES = 256 * 1024;

/** Splits `"HOST:PORT"`, `"[::1]:9000"` or `":9000"` (every interface). Throws a `SyntaxError` for anything else. */
export function parseAddress(address: string): { hostname: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new SyntaxError(
      `Cannot read the address: expected HOST:PORT, got ${JSON.stringify(address)}`,
    );
  }
  return { hostname: match[1] || match[2] || "0.0.0.0", port };
}

function formatAddress(address: Deno.Addr): string {
  const { hostname, port } = address as Deno.NetAddr;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

class TcpChannel implements Channel {
  readonly remote: string;
  readonly #connection: Deno.TcpConn;
  #closed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.remote = `tcp ${formatAddress(connection.remoteAddr)}`;
    connection.setNoDelay(true);
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    try {
      return await this.#connection.read(into.subarray(0, READ_BYTES));
    } catch (cause) {
      throw this.#lost(cause);
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      let at = 0;
      while (at < bytes.length) {
        at += await this.#connection.write(bytes.subarray(at, at + WRITE_BYTES));
      }
    } catch (cause) {
      throw this.#lost(cause);
    }
  }

  async closeWrite(): Promise<void> {
    try {
      await this.#connection.closeWrite();
    } catch (cause) {
      throw this.#lost(cause);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  #lost(cause: unknown): Error {
    const why = this.#closed ? "it was closed on this side" : errorMessage(cause);
    return new ConnectionClosedError(`Lost the connection to ${this.remote}: ${why}`, { cause });
  }
}

class TcpListener implements Listener {
  readonly address: string;
  readonly #listener: Deno.TcpListener;
  #closed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.address = formatAddress(listener.addr);
  }

  async accept(): Promise<Channel | null> {
    while (!this.#closed) {
      let connection: Deno.TcpConn | undefined;
      try {
        connection = await this.#listener.accept();
        return new TcpChannel(connection);
      } catch (error) {
        // A peer that is gone again before it was accepted ends only itself.
        try {
          connection?.close();
        } catch { /* it was closed already */ }
        if (this.#closed || error instanceof Deno.errors.BadResource) return null;
        if (connection === undefined && !isPeerError(error)) throw error;
      }
    }
    return null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

function isPeerError(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected;
}

function explain(action: string, address: string, cause: unknown): Error {
  if (cause instanceof Deno.errors.AddrInUse) {
    return new Error(
      `Cannot ${action} ${address}: the port is in use, choose another or stop what holds it`,
      { cause },
    );
  }
  if (cause instanceof Deno.errors.NotCapable) {
    return new Error(`Cannot ${action} ${address}: run Deno with --allow-net=${address}`, {
      cause,
    });
  }
  if (cause instanceof Deno.errors.ConnectionRefused) {
    return new ConnectionClosedError(`Cannot ${action} ${address}: no server answers there`, {
      cause,
    });
  }
  return new ConnectionClosedError(`Cannot ${action} ${address}: ${errorMessage(cause)}`, {
    cause,
  });
}

/** TCP sockets; addresses are `"HOST:PORT"`. */
export const tcpTransport: Transport = {
  name: "tcp",

  async connect(address: string, options: { signal?: AbortSignal } = {}): Promise<Channel> {
    const { hostname, port } = parseAddress(address);
    options.signal?.throwIfAborted();
    try {
      return new TcpChannel(
        await Deno.connect({ hostname, port, ...(options.signal && { signal: options.signal }) }),
      );
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw explain("connect to", address, cause);
    }
  },

  listen(address: string): Promise<Listener> {
    const { hostname, port } = parseAddress(address);
    try {
      return Promise.resolve(new TcpListener(Deno.listen({ hostname, port })));
    } catch (cause) {
      return Promise.reject(explain("listen on", address, cause));
    }
  },
};
