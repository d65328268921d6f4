import { runtime } from "../base/runtime/runtime.ts";
import { isLoopbackHost } from "../net/loopback.ts";
import { explain } from "../net/socket.ts";
import { parseAddress } from "../net/tcp.ts";
import { Access } from "./access.ts";
import { type Control, Router } from "./router.ts";
import type { RunSource } from "./run_source.ts";

/** Options of {@linkcode startDashboard}. */
export interface DashboardOptions {
  /** Address to listen on, `HOST:PORT`; port 0 is any free one. */
  readonly address: string;
  /** The runs to show. */
  readonly source: RunSource;
  /** Id of the run of this process, whose figures `/metrics` gives. */
  readonly measured?: string;
  /** Token that pages must give. An address that is not loopback needs one. */
  readonly token?: string;
  /** Certificate and private key in PEM, for TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Actions that pages may ask for. Default: none. */
  readonly control?: Control;
}

/** Dashboard that answers pages until it is disposed of. */
export interface RunningDashboard extends AsyncDisposable {
  /** Address of the page, such as `http://127.0.0.1:9100/`. */
  readonly url: string;
}

/** Names of this machine by which pages reach a loopback address. */
const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"];

/** Time in milliseconds that pages have to read the last change. */
const LAST_MILLIS = 1000;

/**
 * Starts the dashboard's web server.
 *
 * @throws {RangeError} If the address cannot be read, or is not loopback and there is no token.
 * @throws {Error} If the address is in use or not allowed.
 */
export function startDashboard(
  { address, source, measured, token, tls, control }: DashboardOptions,
): RunningDashboard {
  const { hostname, port } = parseAddress(address);
  const isLoopback = isLoopbackHost(hostname);
  if (!isLoopback && token === undefined) {
    throw new RangeError(
      `Cannot show the dashboard on ${address}, which others can reach: expected FEDLAB_TOKEN, or an address such as 127.0.0.1:${port}`,
    );
  }
  const hosts = new Set<string>();
  const access = new Access({
    ...(token !== undefined && { token }),
    // Through a proxy or by a name of the network, the host is another one; there is the token.
    ...(isLoopback && { hosts }),
    isSecure: tls !== undefined,
  });
  const router = new Router({
    ...{ source, access },
    ...(measured !== undefined && { measured }),
    ...(control && { control }),
  });
  const cut = new AbortController();
  try {
    const server = Deno.serve(
      {
        hostname,
        port,
        signal: cut.signal,
        onListen: () => {},
        ...(tls && { cert: tls.cert, key: tls.key }),
      },
      (request) => router.answer(request),
    );
    const { port: actual } = server.addr;
    for (const name of [hostname, ...LOOPBACK_NAMES]) hosts.add(`${name}:${actual}`);
    return {
      url: `${tls ? "https" : "http"}://${
        hostname.includes(":") ? `[${hostname}]` : hostname
      }:${actual}/`,
      [Symbol.asyncDispose]: async () => {
        router.close();
        const timer = runtime.timers.setTimeout(() => cut.abort(), LAST_MILLIS);
        await server.shutdown();
        runtime.timers.clearTimeout(timer);
      },
    };
  } catch (error) {
    throw explain("show the dashboard on", address, error);
  }
}
