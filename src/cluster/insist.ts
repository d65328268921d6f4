import { errorMessage } from "../base/errors.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import { errors, JetStreamApiError } from "./deps.ts";
import { SESSIONS_BUCKET } from "./names.ts";
import { namedError } from "./server_check.ts";

/** Milliseconds between two attempts. */
const PAUSE_MILLIS = 100;
/** Milliseconds that a server may be away. */
const PATIENCE_MILLIS = 120_000;
/** Code of the server's error for a stream that is not there. */
export const NO_STREAM = 10059;
/** Code of the server's error while JetStream is about to start or to choose a leader. */
const NOT_YET = 10008;

/**
 * Makes a call that may be made twice until the server has answered, which may be away for a while.
 *
 * @throws {ClusterError} If the server refuses the call, or is away for two minutes.
 * @throws The signal's reason.
 */
export async function insist<T>(
  cluster: Cluster,
  call: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const began = runtime.clock.now();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await orLost(cluster, call());
    } catch (error) {
      const refusal = cluster.violationSince(began);
      if (refusal !== undefined) throw namedError(cluster.url, refusal);
      if (cluster.connection.isClosed()) throw namedError(cluster.url, error);
      if (!mayPass(error)) throw await lossOf(cluster, error) ?? namedError(cluster.url, error);
      if (runtime.clock.now() - began > PATIENCE_MILLIS) {
        throw new ClusterError(
          "unreachable",
          `Cannot reach the cluster at ${cluster.url} for ${PATIENCE_MILLIS / 1000} seconds: ${
            errorMessage(error)
          }`,
          { cause: error },
        );
      }
    }
    await pause(PAUSE_MILLIS, signal);
  }
}

/** Returns the error of a server that has lost its streams, where a call has failed for that. */
async function lossOf({ manager, url }: Cluster, cause: unknown): Promise<Error | undefined> {
  const isPublish = cause instanceof Error && cause.name === "JetStreamNotEnabled";
  if (!isPublish) return undefined;
  const found = await manager.streams.info(`KV_${SESSIONS_BUCKET}`).catch((error) => error);
  if (!(found instanceof JetStreamApiError && found.code === NO_STREAM)) return undefined;
  return new ClusterError(
    "lost-jobs",
    `Cannot go on: the server of the cluster at ${url} has lost what it had stored`,
    { cause },
  );
}

/** Resolves after a time, or once the signal is aborted. */
export function pause(millis: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      runtime.timers.clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = runtime.timers.setTimeout(end, millis);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end);
  });
}

/** Connection that was lost while a call was under way. */
class Lost extends Error {}

/** Waits for an answer, which does not come once the connection was lost. */
export function orLost<T>(cluster: Cluster, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = cluster.onBack(() => reject(new Lost("the connection was lost")));
    answer.then(resolve, reject).finally(stop);
  });
}

/** Reports whether an error comes of a server that is away or about to start. */
function mayPass(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === NOT_YET;
  return error instanceof Lost || error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.NoRespondersError || error instanceof errors.ConnectionError ||
    (error instanceof Error && error.message === "TIMEOUT");
}
