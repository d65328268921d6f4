/**
 * Transports by name.
 *
 * @module
 */

import { didYouMean } from "../base/did_you_mean.ts";
import { memoryTransport } from "./memory.ts";
import { tcpTransport } from "./tcp.ts";
import type { Transport } from "./transport.ts";
import { websocketTransport } from "./websocket/transport.ts";

/** Names of the transports that come with the package. */
export const DIST_BACKEND_NAMES = ["tcp", "websocket", "memory"] as const;

/** Name of a transport that comes with the package. */
export type DistBackendName = typeof DIST_BACKEND_NAMES[number];

/** Transport, by name or as an object. */
export type DistBackend = DistBackendName | Transport;

const TRANSPORTS: Readonly<Record<DistBackendName, Transport>> = {
  tcp: tcpTransport,
  websocket: websocketTransport(),
  memory: memoryTransport,
};

/**
 * Returns a transport by its name, or the given one.
 *
 * @throws {RangeError} If the name is unknown; the message lists the known names.
 */
export function transportOf(backend: DistBackend | string): Transport {
  if (typeof backend !== "string") return backend;
  const known = DIST_BACKEND_NAMES.find((name) => name === backend);
  if (known === undefined) {
    throw new RangeError(
      `Cannot use the dist backend: expected one of ${DIST_BACKEND_NAMES.join(", ")}, got ${
        JSON.stringify(backend)
      }${didYouMean(backend, DIST_BACKEND_NAMES)}`,
    );
  }
  return TRANSPORTS[known];
}
