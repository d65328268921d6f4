/**
 * Run of a cluster that another process may take over.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { v } from "../plan/deps.ts";
import { textLine } from "../plan/schemas.ts";
import { VERSION } from "../base/version.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import { ClusterCheckpoints } from "./cluster_checkpoints.ts";
import { ClusterError } from "./cluster_error.ts";
import { type Cluster, type ClusterOptions, connectCluster } from "./connect.ts";
import { type KV, nuid } from "./deps.ts";
import { insist, pause } from "./insist.ts";
import { Lease } from "./lease.ts";
import { RUNS_BUCKET } from "./names.ts";
import { openBucket, provision } from "./provision.ts";

/** Milliseconds between two looks for a run whose coordinator has died. */
const LOOK_MILLIS = 1000;

const entrySchema = v.object({
  version: textLine(64),
  /** Notes of the program, by which it can begin the run again. */
  notes: v.record(v.string(), v.unknown()),
  /** Digest of the description of the run for its machines, once it has begun. */
  note: v.exactOptional(v.string()),
  /** Name of the newest checkpoint. */
  checkpoint: v.exactOptional(v.string()),
});
type RunEntry = v.InferOutput<typeof entrySchema>;

/** Run that this process conducts, until it is disposed of. */
export class ConductedRun implements AsyncDisposable {
  /** Name of the run in the cluster. */
  readonly name: string;
  /** Notes of the program that began the run. */
  readonly notes: Readonly<Record<string, unknown>>;
  /** Aborted once another process conducts the run. */
  readonly lost: AbortSignal;
  /** Checkpoint to go on from, of a run that was taken over after one. */
  readonly checkpoint: Checkpoint | undefined;
  readonly #cluster: Cluster;
  readonly #lease: Lease;
  readonly #bucket: KV;
  readonly #store: ClusterCheckpoints;
  #entry: RunEntry;
  #revision: number;

  private constructor(parts: {
    readonly cluster: Cluster;
    readonly lease: Lease;
    readonly bucket: KV;
    readonly name: string;
    readonly entry: RunEntry;
    readonly revision: number;
    readonly local?: Checkpoints | undefined;
    readonly checkpoint?: Checkpoint;
    readonly store?: ClusterCheckpoints;
  }) {
    this.name = parts.name;
    this.notes = parts.entry.notes;
    this.lost = parts.lease.lost;
    this.checkpoint = parts.checkpoint;
    this.#cluster = parts.cluster;
    this.#lease = parts.lease;
    this.#bucket = parts.bucket;
    this.#entry = parts.entry;
    this.#revision = parts.revision;
    this.#store = parts.store ?? this.#storeWith(parts.local);
  }

  /**
   * Begins a run.
   *
   * @param label Beginning of its name.
   * @param notes What another process needs to begin the run again, as JSON.
   * @param former Name of the run where it goes on in this process: its entry is written anew.
   * @throws {ClusterError} "two-coordinators" if another process conducts the former run.
   */
  static async begin(
    options: ClusterOptions,
    label: string,
    notes: Readonly<Record<string, unknown>>,
    former?: string,
  ): Promise<ConductedRun> {
    const name = former ??
      `${label.replaceAll(/[^\w-]/g, "-").slice(0, 80)}-${nuid.next().slice(-6)}`;
    await using parts = new AsyncDisposableStack();
    const cluster = parts.use(await connectCluster({ name: "fedlab simulate", ...options }));
    await provision(cluster);
    const take = former === undefined ? Lease.take : Lease.takeFree;
    const lease = parts.use(await take(cluster, leaseKey(name), holderName()));
    const bucket = await openBucket(cluster, RUNS_BUCKET);
    const before = former === undefined ? null : await insist(cluster, () => bucket.get(name));
    const entry: RunEntry = { version: VERSION, notes: { ...notes } };
    const revision = await insist(cluster, () => bucket.put(name, JSON.stringify(entry)));
    const run = new ConductedRun({ cluster, lease, bucket, name, entry, revision });
    if (before?.operation === "PUT") await run.#forgetCheckpoint(before.string());
    parts.move();
    return run;
  }

  /** Removes the checkpoint of an entry that is no more. */
  async #forgetCheckpoint(entry: string): Promise<void> {
    const read = v.safeParse(entrySchema, JSON.parse(entry));
    const checkpoint = read.success ? read.output.checkpoint : undefined;
    if (checkpoint !== undefined) await this.#store.remove(checkpoint);
  }

  /**
   * Waits until the coordinator of some run has died, and takes the run over.
   *
   * @throws The signal's reason.
   */
  static async takeOver(options: ClusterOptions, signal: AbortSignal): Promise<ConductedRun> {
    await using parts = new AsyncDisposableStack();
    const cluster = parts.use(await connectCluster({ name: "fedlab standby", ...options }));
    await provision(cluster);
    const bucket = await openBucket(cluster, RUNS_BUCKET), refused = new Set<string>();
    for (;;) {
      signal.throwIfAborted();
      const names: string[] = [];
      for await (const name of await insist(cluster, () => bucket.keys(), signal)) names.push(name);
      for (const name of names) {
        if (refused.has(name) || await Lease.holder(cluster, leaseKey(name))) continue;
        const run = await ConductedRun.#take(cluster, bucket, name).catch((error) => {
          refused.add(name);
          options.onNotice?.(errorMessage(error));
          return undefined;
        });
        if (run === undefined) continue;
        parts.move();
        return run;
      }
      await pause(LOOK_MILLIS, signal);
    }
  }

  static async #take(
    cluster: Cluster,
    bucket: KV,
    name: string,
  ): Promise<ConductedRun | undefined> {
    await using parts = new AsyncDisposableStack();
    let lease: Lease;
    try {
      lease = parts.use(await Lease.take(cluster, leaseKey(name), holderName()));
    } catch (error) {
      if (error instanceof ClusterError && error.fault === "two-coordinators") return undefined;
      throw error;
    }
    const found = await insist(cluster, () => bucket.get(name));
    // The run has ended meanwhile.
    if (found?.operation !== "PUT") return undefined;
    const entry = v.parse(entrySchema, JSON.parse(found.string()));
    if (entry.version !== VERSION) {
      throw new ClusterError(
        "other-version",
        `Cannot take over the run ${name}: it was begun by version ${entry.version}, this is ${VERSION}`,
      );
    }
    const revision = await insist(cluster, () => bucket.put(name, JSON.stringify(entry)));
    const reader = new ClusterCheckpoints(cluster, name, () => Promise.resolve());
    const checkpoint = entry.checkpoint === undefined
      ? undefined
      : await reader.read(entry.checkpoint);
    parts.move();
    return new ConductedRun({
      ...{ cluster, lease, bucket, name, entry, revision },
      ...(checkpoint && { checkpoint }),
    });
  }

  /** Returns the store of the run's checkpoints, which saves them in another store too. */
  checkpoints(local?: Checkpoints): Checkpoints {
    return local === undefined ? this.#store : this.#storeWith(local);
  }

  #storeWith(local: Checkpoints | undefined): ClusterCheckpoints {
    const publish = async (checkpoint: string) => {
      const { checkpoint: before } = this.#entry;
      await this.#update({ checkpoint });
      // Also that of the process from which the run was taken over.
      if (before !== undefined) await this.#store.remove(before);
    };
    return new ClusterCheckpoints(this.#cluster, this.name, publish, local);
  }

  /**
   * Notes the digest of the description for machines, or compares it with the one that the run
   * began with.
   *
   * @throws {ClusterError} "other-data" if they differ.
   */
  async checkNote(note: string): Promise<void> {
    if (this.#entry.note === undefined) return await this.#update({ note });
    if (this.#entry.note === note) return;
    throw new ClusterError(
      "other-data",
      `Cannot take over the run ${this.name}: data, settings or rounding of this machine differ from those that it began with`,
    );
  }

  /** Changes the entry, unless another process has changed it. */
  async #update(change: Partial<RunEntry>): Promise<void> {
    this.lost.throwIfAborted();
    const entry = { ...this.#entry, ...change }, before = this.#revision;
    const text = JSON.stringify(entry);
    this.#revision = await insist(this.#cluster, async () => {
      try {
        return await this.#bucket.update(this.name, text, before);
      } catch (error) {
        const found = await this.#bucket.get(this.name);
        // The answer to an earlier attempt was lost.
        if (found?.string() === text) return found.revision;
        throw error;
      }
    });
    this.#entry = entry;
  }

  /** Ends the run: only one whose process has died is taken over. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.lost.aborted && !this.#cluster.connection.isClosed()) {
      const { checkpoint } = this.#entry;
      await this.#bucket.purge(this.name).catch(() => {});
      if (checkpoint !== undefined) await this.#store.remove(checkpoint);
    }
    await this.#lease[Symbol.asyncDispose]();
    await this.#cluster[Symbol.asyncDispose]();
  }
}

function leaseKey(run: string): string {
  return `run.${run}`;
}

function holderName(): string {
  return `process ${runtime.process.pid} (${nuid.next().slice(-6)})`;
}
