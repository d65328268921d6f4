/**
 * Removal of sessions whose coordinators have died.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import type { Cluster } from "./connect.ts";
import { JetStreamApiError, type KV } from "./deps.ts";
import { insist, pause } from "./insist.ts";
import { Lease } from "./lease.ts";
import {
  DONE_STREAM,
  JOBS_STREAM,
  sessionFilter,
  SESSIONS_BUCKET,
  VECTORS_STREAM,
} from "./names.ts";
import { openBucket } from "./provision.ts";

/**
 * Milliseconds without a lease after which a session is removed. After an absence of the server all
 * leases have ended, and coordinators that are alive take theirs again within a second.
 */
const GRACE_MILLIS = 3000;
/** Streams of sessions, with the word of their subjects. */
const STREAMS = [[JOBS_STREAM, "job"], [DONE_STREAM, "done"], [VECTORS_STREAM, "vector"]] as const;

/** Looks for sessions whose coordinators have died, and removes them. */
export class Sweeps implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #ending = new AbortController();
  readonly #over = new AbortController();
  readonly #looking: Promise<void>;
  /** Sessions without a lease, and when they were seen first. */
  readonly #seen = new Map<string, number>();

  /** Begins to look. */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#looking = this.#look();
  }

  async #look(): Promise<void> {
    const { signal } = this.#ending;
    await this.sweep().catch(() => {});
    await pause(GRACE_MILLIS, signal);
    if (!signal.aborted) await this.sweep().catch(() => {});
  }

  /** Removes the sessions that have had no lease for some seconds. */
  async sweep(): Promise<void> {
    const cluster = this.#cluster, { clock } = runtime, { signal } = this.#over;
    const entries = await openBucket(cluster, SESSIONS_BUCKET, signal);
    const ids = new Set(await sessionsOf(cluster, signal));
    // A machine that was stopped for a while may have sent an outcome after the end.
    for (const [stream] of STREAMS) {
      for (const id of await sessionsIn(cluster, stream, signal)) ids.add(id);
    }
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
    for (const id of ids) {
      if (await Lease.holder(cluster, id, signal) !== undefined) {
        this.#seen.delete(id);
        continue;
      }
      const since = this.#seen.get(id) ?? clock.now();
      this.#seen.set(id, since);
      if (clock.now() - since < GRACE_MILLIS) continue;
      await removeSession(cluster, id, entries, signal);
    }
  }

  /** Stops at once, also in the middle of a look at a server that does not answer. */
  giveUp(): void {
    this.#ending.abort();
    this.#over.abort();
  }

  /** Looks once more, and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#looking;
    await this.sweep();
  }
}

/** Removes the sessions whose coordinators have died, after some seconds in which they may live. */
export async function sweepSessions(cluster: Cluster): Promise<void> {
  await using sweeps = new Sweeps(cluster);
  await sweeps.sweep();
  await pause(GRACE_MILLIS);
}

/** Returns the ids of all sessions, also of those that have ended just now. */
export async function sessionsOf(cluster: Cluster, signal?: AbortSignal): Promise<string[]> {
  const prefix = `$KV.${SESSIONS_BUCKET}.`, filter = { subjects_filter: `${prefix}>` };
  const { state } = await insist(
    cluster,
    () => cluster.manager.streams.info(`KV_${SESSIONS_BUCKET}`, filter),
    signal,
  );
  return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
}

/** Returns the ids of the sessions that have messages in a stream. */
async function sessionsIn(
  cluster: Cluster,
  stream: string,
  signal: AbortSignal,
): Promise<Set<string>> {
  const filter = { subjects_filter: ">" };
  const { state } = await insist(
    cluster,
    () => cluster.manager.streams.info(stream, filter),
    signal,
  );
  return new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split(".")[2] ?? ""));
}

/** Removes what a session has left behind. */
export async function removeSession(
  cluster: Cluster,
  id: string,
  entries: KV,
  signal?: AbortSignal,
): Promise<void> {
  const { streams, consumers } = cluster.manager;
  // Machines are told by a marker, of which nothing stays.
  await insist(cluster, () => entries.delete(id), signal);
  const subject = { filter: `$KV.${SESSIONS_BUCKET}.${id}` };
  await insist(cluster, () => streams.purge(`KV_${SESSIONS_BUCKET}`, subject), signal);
  await insist(
    cluster,
    () => consumers.delete(JOBS_STREAM, id).catch(ignoreMissing),
    signal,
  );
  for (const [stream, kind] of STREAMS) {
    await insist(
      cluster,
      () => streams.purge(stream, { filter: sessionFilter(kind, id) }),
      signal,
    );
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof JetStreamApiError && error.code === 10014)) throw error;
}
