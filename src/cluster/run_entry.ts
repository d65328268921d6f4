/**
 * Entry of a run that may be taken over: what another process needs to go on with it.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { v } from "../plan/deps.ts";
import { textLine } from "../plan/schemas.ts";
import { type KV, nuid } from "./deps.ts";
import type { Cluster } from "./connect.ts";
import { insist } from "./insist.ts";
import { Lease, type LeaseOptions } from "./lease.ts";

/**
 * Milliseconds without a lease after which a run is taken over. After an absence of the server all
 * leases have ended, and coordinators that are alive take theirs again within a second.
 */
const FREE_MILLIS = 1500;

const entrySchema = v.object({
  version: textLine(64),
  /** Notes of the program, by which it can begin the run again. */
  notes: v.record(v.string(), v.unknown()),
  /** Process that conducts it, or has last. */
  by: v.exactOptional(textLine(128)),
  /** Digest of the description of the run for its machines, once it has begun. */
  note: v.exactOptional(v.string()),
  /** Name of the newest checkpoint, and its digest in the store. */
  checkpoint: v.exactOptional(v.string()),
  digest: v.exactOptional(v.string()),
});
/** Entry of a run in its bucket. */
export type RunEntry = v.InferOutput<typeof entrySchema>;

/**
 * Reads the entry of a run.
 *
 * @throws {Error} If it is none.
 */
export function readRunEntry(text: string): RunEntry {
  return v.parse(entrySchema, JSON.parse(text));
}

/** Returns the options of a run's lease: its entry tells who has conducted it last. */
export function leaseOptions(bucket: KV, run: string, by: string): LeaseOptions {
  const isOurs = async () => {
    const entry = await bucket.get(run);
    return entry?.operation === "PUT" && entry.json<Partial<RunEntry>>().by === by;
  };
  return { isOurs };
}

/** Returns the key of a run's lease. */
export function leaseKey(run: string): string {
  return `run.${run}`;
}

/** Returns a name for this process, for whoever finds a run conducted. */
export function holderName(): string {
  return `process ${runtime.process.pid} (${nuid.next().slice(-6)})`;
}

/** Runs of a cluster that no process conducts. */
export class FreeRuns {
  readonly #cluster: Cluster;
  readonly #bucket: KV;
  /** Times at which they were seen without a lease first. */
  readonly #since = new Map<string, number>();

  constructor(cluster: Cluster, bucket: KV) {
    this.#cluster = cluster;
    this.#bucket = bucket;
  }

  /** Returns the names of those that nobody has conducted for some time. */
  async look(signal: AbortSignal): Promise<string[]> {
    const keys = await insist(this.#cluster, () => this.#bucket.keys(), signal);
    const names = await Array.fromAsync(keys), free: string[] = [];
    for (const name of names) {
      if (await Lease.holder(this.#cluster, leaseKey(name)) !== undefined) {
        this.#since.delete(name);
        continue;
      }
      const since = this.#since.get(name) ?? runtime.clock.now();
      this.#since.set(name, since);
      if (runtime.clock.now() - since >= FREE_MILLIS) free.push(name);
    }
    return free;
  }
}
