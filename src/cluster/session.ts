/**
 * Session of a coordinator on the server: what machines are told, and what is removed at its end.
 *
 * @module
 */

import { runtime, type Timer } from "../base/runtime/runtime.ts";
import type { Cluster } from "./connect.ts";
import { AckPolicy, type KV, nuid } from "./deps.ts";
import { insist, pause } from "./insist.ts";
import { Lease } from "./lease.ts";
import { JOBS_STREAM, sessionFilter, SESSIONS_BUCKET } from "./names.ts";
import { openBucket } from "./provision.ts";
import { sessionEntry, type StoredData } from "./session_note.ts";
import { removeSession, Sweeps } from "./sweeps.ts";

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

/** Session of a coordinator, which lasts until it is disposed of. */
export class Session implements AsyncDisposable {
  readonly id: string;
  /** Aborted once the session has ended for others: this process was silent for too long. */
  readonly lost: AbortSignal;
  readonly #cluster: Cluster;
  readonly #lease: Lease;
  readonly #entries: KV;
  readonly #refresh: Timer;
  readonly #sweeps: Sweeps;

  private constructor(cluster: Cluster, id: string, lease: Lease, entries: KV, entry: string) {
    this.id = id;
    this.lost = lease.lost;
    this.#cluster = cluster;
    this.#lease = lease;
    this.#entries = entries;
    this.#sweeps = new Sweeps(cluster);
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
    const entries = await openBucket(cluster, SESSIONS_BUCKET);
    const isOurs = async () => (await entries.get(id))?.operation === "PUT";
    const lease = await Lease.take(cluster, id, `process ${pid}`, { run, isOurs });
    const entry = JSON.stringify(sessionEntry(run, note));
    await insist(cluster, () =>
      cluster.manager.consumers.add(JOBS_STREAM, {
        durable_name: id,
        filter_subject: sessionFilter("job", id),
        ack_policy: AckPolicy.Explicit,
        ack_wait: ACK_WAIT_MILLIS * NANOS,
        max_ack_pending: -1,
      }));
    await insist(cluster, () => entries.put(id, entry));
    return new Session(cluster, id, lease, entries, entry);
  }

  /**
   * Checks that the session has not ended for others.
   *
   * @throws {ClusterError} "two-coordinators".
   */
  async check(): Promise<void> {
    await this.#lease.confirm();
  }

  /**
   * State of the queue: whether all blocks that were posted are done, or lost, and whether there
   * are machines that wait for one.
   */
  async queue(): Promise<{ readonly isEmpty: boolean; readonly hasIdle: boolean }> {
    const { num_pending, num_ack_pending, num_waiting } = await insist(
      this.#cluster,
      () => this.#cluster.manager.consumers.info(JOBS_STREAM, this.id),
      this.lost,
    );
    const isEmpty = num_pending === 0 && num_ack_pending === 0;
    return { isEmpty, hasIdle: num_pending === 0 && num_waiting > 0 };
  }

  /** Ends the session and removes what it leaves, as far as the server answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    runtime.timers.clearInterval(this.#refresh);
    const over = new AbortController();
    const cleaning = removeSession(this.#cluster, this.id, this.#entries, over.signal)
      .catch(() => {}).then(() => this.#lease[Symbol.asyncDispose]())
      .then(() => this.#sweeps[Symbol.asyncDispose]()).catch(() => {});
    await Promise.race([cleaning, pause(CLEAN_MILLIS, over.signal)]);
    over.abort();
    this.#sweeps.giveUp();
  }
}
