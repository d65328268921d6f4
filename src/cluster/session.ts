/**
 * Session of a coordinator on the server: what machines are told, and what is removed at its end.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import type { Cluster } from "./connect.ts";
import { AckPolicy, JetStreamApiError, type KV, nuid } from "./deps.ts";
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
import { sessionEntry, type StoredData } from "./session_note.ts";

const NANOS = 1e6;
/**
 * Milliseconds after which a block whose machine has been silent is given to another. A machine
 * says three times as often that it is at work.
 */
export const ACK_WAIT_MILLIS = 1500;
/** Milliseconds after which the entry of a session is written again, long before it expires. */
const REFRESH_MILLIS = 3_600_000;
/** Milliseconds that the removal of what a session leaves may take. */
const CLEAN_MILLIS = 5000;

/** Streams of sessions, with the word of their subjects. */
const STREAMS = [[JOBS_STREAM, "job"], [DONE_STREAM, "done"], [VECTORS_STREAM, "vector"]] as const;

/** Session of a coordinator, which lasts until it is disposed of. */
export class Session implements AsyncDisposable {
  readonly id: string;
  /** Aborted once the session has ended for others: this process was silent for too long. */
  readonly lost: AbortSignal;
  readonly #cluster: Cluster;
  readonly #lease: Lease;
  readonly #entries: KV;
  readonly #refresh: ReturnType<typeof runtime.timers.setInterval>;

  private constructor(cluster: Cluster, id: string, lease: Lease, entries: KV, entry: string) {
    this.id = id;
    this.lost = lease.lost;
    this.#cluster = cluster;
    this.#lease = lease;
    this.#entries = entries;
    this.#refresh = runtime.timers.setInterval(() => {
      entries.put(id, entry).catch(() => {});
    }, REFRESH_MILLIS);
  }

  /**
   * Begins a session, which machines join from now on.
   *
   * @param run Name of the run.
   * @param note Place of its note in the store.
   */
  static async begin(cluster: Cluster, run: string, note: StoredData): Promise<Session> {
    const id = nuid.next(), { pid } = runtime.process;
    const lease = await Lease.take(cluster, id, `process ${pid}`);
    const entry = JSON.stringify(sessionEntry(run, note));
    await insist(cluster, () =>
      cluster.manager.consumers.add(JOBS_STREAM, {
        durable_name: id,
        filter_subject: sessionFilter("job", id),
        ack_policy: AckPolicy.Explicit,
        ack_wait: ACK_WAIT_MILLIS * NANOS,
        max_ack_pending: -1,
      }));
    const entries = await openBucket(cluster, SESSIONS_BUCKET);
    await insist(cluster, () => entries.put(id, entry));
    return new Session(cluster, id, lease, entries, entry);
  }

  /** Reports whether all blocks that were posted are done, or lost. */
  async isIdle(): Promise<boolean> {
    const info = await insist(
      this.#cluster,
      () => this.#cluster.manager.consumers.info(JOBS_STREAM, this.id),
    );
    return info.num_pending === 0 && info.num_ack_pending === 0;
  }

  /** Ends the session and removes what it leaves, as far as the server answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    runtime.timers.clearInterval(this.#refresh);
    const over = new AbortController();
    const cleaning = removeSession(this.#cluster, this.id, this.#entries, over.signal)
      .catch(() => {}).then(() => this.#lease[Symbol.asyncDispose]())
      // Those of coordinators that died shortly before this session began have none by now.
      .then(() => sweepSessions(this.#cluster)).catch(() => {});
    await Promise.race([cleaning, pause(CLEAN_MILLIS, over.signal)]);
    over.abort();
  }
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

/** Returns the ids of all sessions, also of those that have ended just now. */
export async function sessionsOf(cluster: Cluster): Promise<string[]> {
  const prefix = `$KV.${SESSIONS_BUCKET}.`, filter = { subjects_filter: `${prefix}>` };
  const { state } = await insist(
    cluster,
    () => cluster.manager.streams.info(`KV_${SESSIONS_BUCKET}`, filter),
  );
  return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
}

/** Returns the ids of the sessions that have messages in a stream. */
async function sessionsIn(cluster: Cluster, stream: string): Promise<Set<string>> {
  const filter = { subjects_filter: ">" };
  const { state } = await insist(cluster, () => cluster.manager.streams.info(stream, filter));
  return new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split(".")[2] ?? ""));
}

/** Removes the sessions whose coordinators have died. */
export async function sweepSessions(cluster: Cluster): Promise<void> {
  const entries = await openBucket(cluster, SESSIONS_BUCKET);
  const ids = new Set(await sessionsOf(cluster));
  // A machine that was stopped for a while may have sent an outcome after the end.
  for (const [stream] of STREAMS) for (const id of await sessionsIn(cluster, stream)) ids.add(id);
  for (const id of ids) {
    if (await Lease.holder(cluster, id) !== undefined) continue;
    await removeSession(cluster, id, entries);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof JetStreamApiError && error.code === 10014)) throw error;
}
