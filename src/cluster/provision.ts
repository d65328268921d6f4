/**
 * Streams and buckets of a cluster.
 *
 * @module
 */

import type { Cluster } from "./connect.ts";
import { JetStreamApiError, type KV, RetentionPolicy, StorageType } from "./deps.ts";
import { insist } from "./insist.ts";
import {
  CHECKPOINT_STORE,
  DATA_STORE,
  DONE_STREAM,
  EVENTS_STREAM,
  JOBS_STREAM,
  LEASES_BUCKET,
  MACHINES_BUCKET,
  RUNS_BUCKET,
  SESSIONS_BUCKET,
  VECTORS_STREAM,
} from "./names.ts";

const NANOS = 1e6, HOUR = 3_600_000;
/** Milliseconds after which what a session has left behind is gone, whoever forgot it. */
const SESSION_AGE_MILLIS = 24 * HOUR;
/** Milliseconds for which data sets are kept for later runs. */
const DATA_AGE_MILLIS = 30 * 24 * HOUR;
/** Milliseconds for which the server knows the ids of messages. */
const IDS_MILLIS = 2 * 60_000;
/** Milliseconds after which a lease that is not renewed ends. */
export const LEASE_MILLIS = 4000;
/** Milliseconds after which a machine that is silent is no longer counted. */
export const PRESENCE_MILLIS = 6000;
/** Codes of the server's errors for a name that is in use, with another configuration. */
const IN_USE: ReadonlySet<number> = new Set([10058, 10065]);

/** Ages of what is stored, which tests shorten. */
export interface Ages {
  /** Milliseconds after which what a session has left behind is gone. */
  readonly sessionMillis?: number | undefined;
  /** Milliseconds for which data sets are kept. */
  readonly dataMillis?: number | undefined;
}

/** Makes the streams and buckets that are not there yet. None of them reserves room. */
export async function provision(cluster: Cluster, ages: Ages = {}): Promise<void> {
  const { sessionMillis = SESSION_AGE_MILLIS, dataMillis = DATA_AGE_MILLIS } = ages;
  const max_age = sessionMillis * NANOS, duplicate_window = Math.min(max_age, IDS_MILLIS * NANOS);
  const common = { storage: StorageType.File, max_age, duplicate_window, allow_direct: true };
  const { streams } = cluster.manager;
  const add = async (config: Parameters<typeof streams.add>[0]) => {
    try {
      await insist(cluster, () => streams.add(config));
    } catch (error) {
      if (!(error instanceof JetStreamApiError && IN_USE.has(error.code))) throw error;
    }
  };
  await add({
    ...common,
    name: JOBS_STREAM,
    subjects: ["fedlab.job.>"],
    retention: RetentionPolicy.Workqueue,
  });
  await add({ ...common, name: DONE_STREAM, subjects: ["fedlab.done.>"] });
  await add({ ...common, name: VECTORS_STREAM, subjects: ["fedlab.vector.>"] });
  await add({
    ...common,
    name: EVENTS_STREAM,
    subjects: ["fedlab.event.>"],
    max_age: dataMillis * NANOS,
    duplicate_window: Math.min(dataMillis, IDS_MILLIS) * NANOS,
  });
  await bucket(cluster, SESSIONS_BUCKET, sessionMillis);
  await bucket(cluster, RUNS_BUCKET, dataMillis);
  await bucket(cluster, LEASES_BUCKET, LEASE_MILLIS);
  await bucket(cluster, MACHINES_BUCKET, PRESENCE_MILLIS);
  for (const name of [DATA_STORE, CHECKPOINT_STORE]) {
    const options = { ttl: dataMillis * NANOS, storage: StorageType.File };
    await insist(cluster, () => cluster.stores.create(name, options));
  }
}

async function bucket(cluster: Cluster, name: string, ttl: number): Promise<KV> {
  return await insist(cluster, () => cluster.buckets.create(name, { ttl, history: 1 }));
}

/** Opens a bucket that is there. */
export function openBucket(cluster: Cluster, name: string, signal?: AbortSignal): Promise<KV> {
  const options = { bindOnly: true, allow_direct: true };
  return insist(cluster, () => cluster.buckets.open(name, options), signal);
}
