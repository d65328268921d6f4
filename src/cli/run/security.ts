import { runtime } from "../../base/runtime/runtime.ts";
import { openToOthers } from "../../auth/key_files.ts";
import { type KeyList, readAllowedKeys } from "../../auth/allowed_keys.ts";
import type { Credential, Gatekeeper } from "../../auth/challenge.ts";
import { readPrivateKey } from "../../auth/key_pair.ts";
import { tokenFromEnv } from "../../auth/token.ts";
import { errorMessage } from "../../base/errors.ts";
import { fileError } from "../../data/file.ts";
import type { DistBackend } from "../../net/backend.ts";
import { parseAddress } from "../../net/tcp.ts";
import { isLoopbackHost } from "../../net/loopback.ts";
import type { TlsOptions } from "../../net/tls/options.ts";
import { isWebSocketAddress, parseWebSocketAddress } from "../../net/websocket/address.ts";
import { websocketTransport } from "../../net/websocket/transport.ts";
import type { WebOriginOptions } from "../../net/websocket/web_origins.ts";
import { UsageError } from "../options/option.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";

/** Options about the security of a server. */
export type ServerSecurityFlags = Pick<
  Flags<"server">,
  "listen" | "insecure" | "allowKeys" | "seatsPerKey" | "tlsCert" | "tlsKey" | "hosts" | "origins"
>;

/** Options about the security of a client. */
export type ClientSecurityFlags = Pick<
  Flags<"client">,
  "server" | "tls" | "tlsCa" | "serverName" | "key" | "secureKeys"
>;

async function readPem(path: string): Promise<string> {
  try {
    return await runtime.files.readTextFile(path);
  } catch (error) {
    throw fileError(error, path);
  }
}

function isLoopback(address: string): boolean {
  const { hostname } = isWebSocketAddress(address)
    ? parseWebSocketAddress(address)
    : parseAddress(address);
  return isLoopbackHost(hostname);
}

/** Chooses the transport: WebSockets for a URL, else TLS where it has options, else TCP. */
async function distBackendFor(
  address: string,
  tls: TlsOptions | undefined,
  pages: WebOriginOptions = {},
): Promise<DistBackend> {
  const hasPages = Object.keys(pages).length > 0;
  if (isWebSocketAddress(address)) {
    return tls || hasPages ? websocketTransport({ ...tls, ...pages }) : "websocket";
  }
  if (hasPages) {
    throw new UsageError(`expected ws: or wss: with --hosts and --origins, got ${address}`);
  }
  if (tls === undefined) return "tcp";
  const { tlsTransport } = await import("../../net/tls/transport.ts");
  return tlsTransport(tls);
}

/**
 * Makes the transport and the gatekeeper of a server. It admits the keys of the list if there is
 * one, else clients with the token of `FEDLAB_TOKEN` if that is set, else everyone.
 *
 * @throws {UsageError} If options contradict each other, or everyone could join over an address
 * that is not loopback and `--insecure` is not given.
 */
export async function serverSecurity(
  { listen, tlsCert, tlsKey, allowKeys, seatsPerKey, hosts, origins, insecure }:
    ServerSecurityFlags,
): Promise<{ distBackend: DistBackend; gatekeeper: Gatekeeper; keys: KeyList | undefined }> {
  if (seatsPerKey !== undefined && allowKeys === undefined) {
    throw new UsageError("expected --allow-keys with --seats-per-key");
  }
  if (insecure && allowKeys !== undefined) {
    throw new UsageError("expected --allow-keys or --insecure, which lets everyone join, got both");
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("expected --tls-cert and --tls-key together");
  }
  const distBackend = await distBackendFor(
    listen,
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : { cert: await readPem(tlsCert), key: await readPem(tlsKey) },
    {
      ...(hosts !== undefined && { hosts: hosts.split(",") }),
      ...(origins !== undefined && { origins: origins.split(",") }),
    },
  );
  const warning = tlsKey && await openToOthers("private key", tlsKey);
  if (warning) printError(warning);
  const token = tokenFromEnv();
  const keys = allowKeys === undefined ? undefined : await readAllowedKeys(allowKeys);
  const gatekeeper: Gatekeeper = keys !== undefined
    ? { kind: "keys", allowed: keys, ...(seatsPerKey !== undefined && { seatsPerKey }) }
    : token !== undefined
    ? { kind: "token", token }
    : { kind: "open" };
  if (gatekeeper.kind === "open" && !insecure && !isLoopback(listen)) {
    throw new UsageError(
      `expected --allow-keys or FEDLAB_TOKEN to listen on ${listen}, which others can reach, or --insecure to let everyone join`,
    );
  }
  return { distBackend, gatekeeper, keys };
}

/**
 * Reads a server's list of keys again, when the process receives SIGHUP. The server logs the
 * result; on a terminal, which shows no log, this function prints it.
 */
export async function reloadKeys(keys: KeyList | undefined, onTerminal: boolean): Promise<void> {
  if (keys === undefined) return printError("SIGHUP: there is no list of keys to read again");
  try {
    const { added, removed, changed } = await keys.reload();
    if (!onTerminal) return;
    printError(
      `${keys.path}: ${added.size} keys added, ${removed.size} removed, ${changed.size} changed`,
    );
  } catch (error) {
    if (onTerminal) printError(`error: ${errorMessage(error)}`);
  }
}

/**
 * Makes the transport and the credential of a client: its key if one is given, else the token of
 * `FEDLAB_TOKEN` if that is set.
 *
 * @throws {UsageError} If TLS options are given with an address without TLS.
 */
export async function clientSecurity(
  { server, tls, tlsCa, serverName, key, secureKeys }: ClientSecurityFlags,
): Promise<{
  distBackend: DistBackend;
  credential?: Credential;
  serverName?: string;
  secureKeys?: KeyList;
}> {
  if (secureKeys !== undefined && key === undefined) {
    throw new UsageError("expected --key with --secure-keys, to sign by");
  }
  const wantsTls = tls || tlsCa !== undefined;
  if (wantsTls && isWebSocketAddress(server) && parseWebSocketAddress(server).protocol === "ws:") {
    throw new UsageError(`expected wss: with --tls and --tls-ca, got ${server}`);
  }
  const caCerts = tlsCa === undefined ? [] : [await readPem(tlsCa)];
  const token = tokenFromEnv();
  const credential: Credential | undefined = key !== undefined
    ? await readPrivateKey(key, { onWarning: printError })
    : token !== undefined
    ? { kind: "token", token }
    : undefined;
  return {
    distBackend: await distBackendFor(server, wantsTls ? { caCerts } : undefined),
    ...(credential && { credential }),
    ...(serverName !== undefined && { serverName }),
    ...(secureKeys !== undefined && { secureKeys: await readAllowedKeys(secureKeys) }),
  };
}
