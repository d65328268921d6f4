/**
 * Checks of the queue's server, and the one line for each way in which it fails.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { ClusterError } from "./cluster_error.ts";
import { errors, JetStreamApiError, type JetStreamManager, type NatsConnection } from "./deps.ts";

/** Oldest server that reads several messages of a stream at a time and expires single ones. */
export const OLDEST_SERVER = "2.11.0";

/**
 * Codes of the server's errors for a store without room: of memory, of the account, of a stream.
 */
const FULL_CODES: ReadonlySet<number> = new Set([10002, 10023, 10028, 10047, 10077, 10122]);
/** Codes for an account, and for a server, without JetStream. */
const DISABLED_CODES: ReadonlySet<number> = new Set([10039, 10076]);

/** Returns the error of a connection that could not be made. */
export function connectFailure(url: string, error: unknown): ClusterError {
  const reason = reasonOf(error);
  if (error instanceof errors.AuthorizationError || /authoriz|authentication/i.test(reason)) {
    return new ClusterError(
      "not-authorized",
      `Cannot join the cluster at ${url}: the server refuses the key (${reason})`,
      { cause: error },
    );
  }
  return new ClusterError(
    "unreachable",
    `Cannot reach the cluster at ${url}: ${reason}`,
    { cause: error },
  );
}

/**
 * Checks that a server has what a cluster needs.
 *
 * @throws {ClusterError} "too-old", "no-jetstream", "not-authorized".
 */
export async function checkServer(
  url: string,
  { info }: Pick<NatsConnection, "info">,
  manager: JetStreamManager,
): Promise<void> {
  const version = info?.version ?? "unknown";
  if (isOlder(version, OLDEST_SERVER)) {
    throw new ClusterError(
      "too-old",
      `Cannot use the cluster at ${url}: expected nats-server ${OLDEST_SERVER} or newer, got ${version}`,
    );
  }
  try {
    if (info?.jetstream !== true) await manager.getAccountInfo();
  } catch (error) {
    throw namedError(url, error);
  }
}

/** Compares two versions of the form `2.11.0`; an unknown one is older. */
function isOlder(version: string, than: string): boolean {
  const [mine, theirs] = [version, than].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  for (let i = 0; i < 3; i++) {
    const [a = NaN, b = NaN] = [mine?.[i], theirs?.[i]];
    if (a !== b) return !(a > b);
  }
  return false;
}

/** Returns an error of the server with the name of what is wrong. */
export function namedError(url: string, error: unknown): unknown {
  if (error instanceof ClusterError) return error;
  const reason = reasonOf(error);
  const cause = { cause: error };
  if (error instanceof errors.PermissionViolationError || /permissions violation/i.test(reason)) {
    return new ClusterError(
      "not-authorized",
      `Cannot use the cluster at ${url}: the key has no right to this (${reason})`,
      cause,
    );
  }
  const code = error instanceof JetStreamApiError ? error.code : undefined;
  if (
    isNamed(error, "JetStreamNotEnabled") ||
    (code !== undefined && DISABLED_CODES.has(code)) ||
    error instanceof errors.NoRespondersError
  ) {
    return new ClusterError(
      "no-jetstream",
      `Cannot use the cluster at ${url}: its server has no JetStream, start nats-server with -js or the section jetstream`,
      cause,
    );
  }
  if (
    (code !== undefined && FULL_CODES.has(code)) || /insufficient|exceed.*storage/i.test(reason)
  ) {
    return new ClusterError(
      "store-full",
      `Cannot use the cluster at ${url}: its store is full (${reason})`,
      cause,
    );
  }
  return error;
}

function reasonOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  const inner = cause instanceof Error ? `: ${errorMessage(cause)}` : "";
  return errorMessage(error) + inner;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
