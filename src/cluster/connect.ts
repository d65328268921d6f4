/**
 * Connection to the queue's server.
 *
 * @module
 */

import { addressBytes } from "../auth/certificates/address_bytes.ts";
import { runtime } from "../base/runtime/runtime.ts";
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  errors,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  Kvm,
  type NatsConnection,
  nkeyAuthenticator,
  nkeys,
  Objm,
  setSha256Backend,
} from "./deps.ts";
import { inboxOf } from "./config/roles.ts";
import { ANYONE } from "./names.ts";
import { guardSockets } from "./guarded_sockets.ts";
import { checkServer, connectFailure } from "./server_check.ts";

/** Access to a cluster. */
export interface ClusterOptions {
  /** Address of the server, or of several: `"nats://host:4222"`, with `,` between two. */
  readonly url: string;
  /** Seed of an nkey, `"SU…"`: the key that the server knows this user by. */
  readonly nkey?: string | undefined;
  /** Text of a credentials file: a JWT and the seed of its nkey. */
  readonly creds?: string | undefined;
  /** Certificates that the connection is encrypted and checked with, each as PEM text. */
  readonly tls?: ClusterTls | undefined;
  /** Name of this process in the server's lists. */
  readonly name?: string | undefined;
  /** Receives a line when the connection is lost and when it is back. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/** Certificates of a connection, as PEM texts. */
export interface ClusterTls {
  /** Certificates of the authorities that the server's certificate is checked by. */
  readonly ca?: string;
  /** Certificate of this process, where the server asks for one. */
  readonly cert?: string;
  /** Key of that certificate. */
  readonly key?: string;
}

/** Milliseconds between two attempts to reach a server that is away. */
const RECONNECT_MILLIS = 100;
/** Milliseconds that a request waits for its answer before it is made again. */
export const REQUEST_MILLIS = 2000;
/** Milliseconds that the first connection may take. */
const CONNECT_MILLIS = 5000;
/** Milliseconds between two signs of life of the server, of which two may be missed. */
const PING_MILLIS = 2000;

/** Open connection to a cluster. */
export interface Cluster extends AsyncDisposable {
  /** Address, as it was given. */
  readonly url: string;
  /** Public key of the user; `"anyone"` without a key. */
  readonly user: string;
  /** The connection itself. */
  readonly connection: NatsConnection;
  /** Publishes to streams. */
  readonly stream: JetStreamClient;
  /** Makes streams and reads messages of them. */
  readonly manager: JetStreamManager;
  /** Opens key-value buckets. */
  readonly buckets: Kvm;
  /** Opens object stores. */
  readonly stores: Objm;
  /**
   * Returns the last refusal for want of rights since a time of the runtime's clock. The server
   * tells of it beside the request, which gets no answer.
   */
  violationSince(time: number): Error | undefined;
  /**
   * Calls a function when a lost connection is back, since what was asked before is lost, until
   * the function that it returns is called.
   */
  onBack(listener: () => void): () => void;
}

/**
 * Connects to a cluster. A connection that is lost later is made again for as long as it takes.
 *
 * @throws {ClusterError} If the server cannot be reached, refuses the key, is too old, or has no
 * JetStream.
 */
export async function connectCluster(options: ClusterOptions): Promise<Cluster> {
  const { url, tls, name, onNotice } = options;
  // Without it vectors are hashed in JavaScript, at a fifth of the speed.
  setSha256Backend("native");
  guardSockets();
  let connection: NatsConnection;
  try {
    connection = await connect({
      servers: url.split(",").map((server) => server.trim()),
      name: name ?? "fedlab",
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MILLIS,
      reconnectJitter: RECONNECT_MILLIS,
      reconnectJitterTLS: RECONNECT_MILLIS,
      timeout: CONNECT_MILLIS,
      pingInterval: PING_MILLIS,
      maxPingOut: 3,
      ...authenticatorOf(options),
      ...(tls && { tls: { ...tls, ...checkedHost(url) } }),
    });
  } catch (error) {
    throw connectFailure(url, error);
  }
  try {
    const manager = await jetstreamManager(connection, {
      checkAPI: false,
      timeout: REQUEST_MILLIS,
    });
    await checkServer(url, connection, manager);
    const stream = jetstream(connection, { timeout: REQUEST_MILLIS });
    let violation: { readonly error: Error; readonly time: number } | undefined;
    const listeners = new Set<() => void>();
    followStatus(connection, {
      onNotice,
      onViolation: (error) => {
        violation = { error, time: runtime.clock.now() };
      },
      onBack: () => listeners.forEach((listener) => listener()),
    });
    return {
      url,
      user: userOf(options),
      connection,
      stream,
      manager,
      buckets: new Kvm(connection),
      stores: new Objm(connection),
      onBack(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      violationSince: (time) => violation && violation.time >= time ? violation.error : undefined,
      async [Symbol.asyncDispose]() {
        if (connection.isClosed()) return;
        // A connection that is closed without it loses what was published last.
        await Promise.race([connection.flush(), connection.closed()]).catch(() => {});
        await connection.close().catch(() => {});
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * Returns the host that a server's certificate is checked by, where it is an IP address: by default
 * the client would check for the name "localhost" then.
 */
function checkedHost(url: string): { readonly host?: string } {
  const [, host = ""] = /^(?:\w+:\/\/)?(\[[^\]]+\]|[^:/]+)(?::\d+)?\/?$/.exec(url) ?? [];
  const address = host.replaceAll(/[[\]]/g, "");
  return addressBytes(address) === undefined ? {} : { host: address };
}

function userOf({ nkey }: ClusterOptions): string {
  if (nkey === undefined) return ANYONE;
  return nkeys.fromSeed(new TextEncoder().encode(nkey.trim())).getPublicKey();
}

function authenticatorOf(
  { nkey, creds }: ClusterOptions,
): { authenticator?: Authenticator; inboxPrefix?: string } {
  const encoder = new TextEncoder();
  if (creds !== undefined) return { authenticator: credsAuthenticator(encoder.encode(creds)) };
  if (nkey !== undefined) {
    const seed = encoder.encode(nkey.trim());
    // Nobody else may listen there.
    const inboxPrefix = inboxOf(nkeys.fromSeed(seed).getPublicKey());
    return { authenticator: nkeyAuthenticator(seed), inboxPrefix };
  }
  return {};
}

/** Tells of a connection that is lost, of its return, and of refusals, until it is closed. */
async function followStatus(
  connection: NatsConnection,
  { onNotice = () => {}, onViolation, onBack }: {
    readonly onNotice: ((line: string) => void) | undefined;
    readonly onViolation: (error: Error) => void;
    readonly onBack: () => void;
  },
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === "disconnect") onNotice("The cluster's server is away; waiting for it");
    if (status.type === "reconnect") {
      onBack();
      onNotice("The cluster's server is back");
    }
    if (status.type === "error" && status.error instanceof errors.PermissionViolationError) {
      onViolation(status.error);
    }
  }
}
