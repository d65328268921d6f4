import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";

/** Limits on the peers of a server. Each is a whole number of at least 1. */
export interface PeerLimits {
  /**
   * Maximum number of connections, registered or not. The default is twice the world size where
   * that is more, as each of the others is the world size where that is more.
   *
   * @default {4096}
   */
  readonly connections: number;
  /**
   * Maximum number of connections from one address. With the default, all clients may share a
   * machine.
   *
   * @default {1024}
   */
  readonly connectionsPerAddress: number;
  /**
   * Maximum number of connections that have not registered. When it is reached, a new connection is
   * still admitted, and the oldest one of the address with most of them is closed: silent
   * connections evict each other, not a client that registers at once. When more than
   * `arrivalsAtOnce` were evicted within 10 seconds, there is a flood until a minute has passed
   * without one. During a flood, an address with 8 such connections is admitted one more every
   * 100 ms, and is refused otherwise.
   *
   * @default {256}
   */
  readonly unregistered: number;
  /**
   * Maximum number of new connections per second from one address, on average.
   *
   * @default {200}
   */
  readonly arrivalsPerSecond: number;
  /**
   * Maximum number of new connections at once from one address, after a quiet time.
   *
   * @default {1024}
   */
  readonly arrivalsAtOnce: number;
}

/** Default limits on the peers of a server. */
export const DEFAULT_PEER_LIMITS: PeerLimits = {
  connections: 4096,
  connectionsPerAddress: 1024,
  unregistered: 256,
  arrivalsPerSecond: 200,
  arrivalsAtOnce: 1024,
};

/** Spells the option of the command `server` that sets a limit: `--connections-per-address`. */
export function limitFlag(limit: keyof PeerLimits): string {
  return `--${limit.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Returns the default limits for a world of that size, whose clients may all come at once. */
export function defaultPeerLimits(worldSize: number): PeerLimits {
  const raised = Object.entries(DEFAULT_PEER_LIMITS).map(([name, limit]) => [
    name,
    Math.max(limit, name === "connections" ? 2 * worldSize : worldSize),
  ]);
  return Object.fromEntries(raised);
}

/**
 * Completes limits with the defaults.
 *
 * @param worldSize Number of processes of the group.
 * @throws {RangeError} If a limit is not a whole number of at least 1.
 */
export function completePeerLimits(
  limits: Partial<PeerLimits> = {},
  worldSize = 0,
): PeerLimits {
  for (const [name, limit] of Object.entries(limits)) {
    const problem = `Cannot use the limit ${name}`;
    checkInRange(limit, AT_LEAST_ONE, problem, "a whole number of at least 1");
  }
  return { ...defaultPeerLimits(worldSize), ...limits };
}
