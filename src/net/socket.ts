import { runtime } from "../base/runtime/runtime.ts";
import { ConnectionClosedError, errorMessage } from "../base/errors.ts";
import type { Channel, Listener } from "./transport.ts";

// Shares of this size leave little in flight, so that it stays in the cache: over loopback a large
// vector moves a third faster than in one piece.
const WRITE_BYTES = 768 * 1024;
const READ_BYTES = 256 * 1024;

/**
 * Connections that wait to be accepted, as far as the system allows: all clients come back at once
 * when a server has restarted.
 */
export const BACKLOG = 4096;

/** Socket of a TCP or TLS connection. */
type Socket = Deno.Conn<Deno.NetAddr>;

/** Formats an address as `connect` takes it: `"HOST:PORT"`, with IPv6 in brackets. */
export function formatAddress({ hostname, port }: Deno.NetAddr): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Returns the name of a channel's other end. */
function remoteOf(name: string, connection: Socket): string {
  return `${name} ${formatAddress(connection.remoteAddr)}`;
}

/** Channel over a socket of Deno. */
export class SocketChannel implements Channel {
  readonly remote: string;
  readonly #connection: Socket;
  readonly #words: (cause: unknown) => string;
  /** Throws the error of a lost connection. */
  readonly #fail = (cause: unknown): never => {
    throw this.#lost(cause);
  };
  #closed = false;

  /** Takes a socket over. `words` explains an error of the socket. */
  constructor(name: string, connection: Socket, words = errorMessage) {
    this.#connection = connection;
    this.#words = words;
    this.remote = remoteOf(name, connection);
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const part = into.length > READ_BYTES ? into.subarray(0, READ_BYTES) : into;
    return this.#connection.read(part).catch(this.#fail);
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const part = bytes.length > WRITE_BYTES ? bytes.subarray(0, WRITE_BYTES) : bytes;
    return this.#connection.write(part).then(
      (count) => count < bytes.length ? this.#writeFrom(count, bytes) : undefined,
      this.#fail,
    );
  }

  async #writeFrom(start: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      let at = start;
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
    // The runtime's own error says no more, and would be kept for each peer that is refused.
    if (this.#closed) {
      return new ConnectionClosedError(
        `Lost the connection to ${this.remote}: it was closed on this side`,
      );
    }
    const why = this.#words(cause);
    return new ConnectionClosedError(`Lost the connection to ${this.remote}: ${why}`, { cause });
  }
}

/** Listener that accepts sockets as channels. */
export class SocketListener<Connection extends Socket> implements Listener {
  readonly address: string;
  readonly #name: string;
  readonly #listener: Deno.Listener<Connection, Deno.NetAddr>;
  readonly #channelOf: (connection: Connection) => Channel;
  #closed = false;

  /**
   * Takes a listener over.
   *
   * @param name Beginning of the names of remote ends.
   * @param channelOf Creates the channel of a socket that was accepted.
   */
  constructor(
    name: string,
    listener: Deno.Listener<Connection, Deno.NetAddr>,
    channelOf: (connection: Connection) => Channel,
  ) {
    this.#name = name;
    this.#listener = listener;
    this.#channelOf = channelOf;
    this.address = formatAddress(listener.addr);
  }

  async accept(isWelcome?: (remote: string) => boolean): Promise<Channel | null> {
    while (!this.#closed) {
      let connection: Connection | undefined;
      try {
        connection = await this.#listener.accept();
        if (isWelcome === undefined || isWelcome(remoteOf(this.#name, connection))) {
          return this.#channelOf(connection);
        }
        // A peer that is refused costs no more than its socket.
        connection.close();
      } catch (error) {
        // A peer that disconnects before it is accepted ends only its own connection.
        try {
          connection?.close();
        } catch { /* it was closed already */ }
        if (this.#closed || error instanceof runtime.errors.BadResource) return null;
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
  return error instanceof runtime.errors.ConnectionReset ||
    error instanceof runtime.errors.ConnectionAborted ||
    error instanceof runtime.errors.NotConnected;
}

/**
 * Returns the value of `--allow-net` for an address: the host alone if the port is 0, for which the
 * system chooses a port.
 */
function scopeOf(address: string): string {
  const url = /^wss?:/i.test(address) ? URL.parse(address) : null;
  const port = url?.protocol === "wss:" ? 443 : 80;
  const place = url === null ? address : url.port === "" ? `${url.host}:${port}` : url.host;
  return place.replace(/^(?=:)/, "0.0.0.0").replace(/:0+$/, "");
}

/** Creates the one-line error of a connection or listener that could not be opened. */
export function explain(action: string, address: string, cause: unknown): Error {
  if (cause instanceof runtime.errors.AddrInUse) {
    return new Error(
      `Cannot ${action} ${address}: the port is in use, choose another or stop what holds it`,
      { cause },
    );
  }
  if (cause instanceof runtime.errors.NotCapable) {
    return new Error(`Cannot ${action} ${address}: run Deno with --allow-net=${scopeOf(address)}`, {
      cause,
    });
  }
  if (cause instanceof runtime.errors.ConnectionRefused) {
    return new ConnectionClosedError(`Cannot ${action} ${address}: no server answers there`, {
      cause,
    });
  }
  return new ConnectionClosedError(`Cannot ${action} ${address}: ${errorMessage(cause)}`, {
    cause,
  });
}
