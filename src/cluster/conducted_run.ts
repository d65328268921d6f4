/**
 * Run of a cluster that another process may take over.
 *
 * @module
 */

import { errorMessage, OvertakenError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import { ClusterCheckpoints } from "./cluster_checkpoints.ts";
import { ClusterError } from "./cluster_error.ts";
import { type Cluster, type ClusterOptions, connectCluster } from "./connect.ts";
import { type KV, nuid } from "./deps.ts";
import { insist, pause } from "./insist.ts";
import { isChanged, Lease } from "./lease.ts";
import { RUNS_BUCKET } from "./names.ts";
import { openBucket, provision } from "./provision.ts";
import {
  FreeRuns,
  holderName,
  leaseKey,
  leaseOptions,
  readRunEntry,
  type RunEntry,
} from "./run_entry.ts";

/** Milliseconds between two looks for a run whose coordinator has died. */
const LOOK_MILLIS = 1000;
/** Parts of a {@linkcode ConductedRun}. */
interface RunParts {
  readonly cluster: Cluster;
  readonly lease: Lease;
  readonly bucket: KV;
  readonly name: string;
  readonly entry: RunEntry;
  readonly revision: number;
  readonly isOurs: boolean;
  readonly checkpoint?: Checkpoint;
}

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
  /** Set if the entry is removed at the end, so that nobody takes the run over. */
  #isOurs: boolean;

  private constructor(parts: RunParts) {
    ({ cluster: this.#cluster, lease: this.#lease, bucket: this.#bucket } = parts);
    ({ entry: this.#entry, revision: this.#revision, isOurs: this.#isOurs } = parts);
    this.name = parts.name;
    this.notes = parts.entry.notes;
    this.lost = parts.lease.lost;
    this.checkpoint = parts.checkpoint;
    this.#store = this.#storeWith(undefined);
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
    const bucket = await openBucket(cluster, RUNS_BUCKET), by = holderName();
    const lease = parts.use(
      await take(cluster, leaseKey(name), by, leaseOptions(bucket, name, by)),
    );
    const before = former === undefined ? null : await insist(cluster, () => bucket.get(name));
    const entry: RunEntry = { version: VERSION, notes: { ...notes }, by };
    const revision = await insist(cluster, () => bucket.put(name, JSON.stringify(entry)));
    const run = new ConductedRun({ cluster, lease, bucket, name, entry, revision, isOurs: true });
    if (before?.operation === "PUT") await run.#forgetCheckpoint(before.string()).catch(() => {});
    parts.move();
    return run;
  }

  /** Removes the checkpoint of an entry that is no more; one that nobody can read has none. */
  async #forgetCheckpoint(entry: string): Promise<void> {
    const { checkpoint } = readRunEntry(entry);
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
    const free = new FreeRuns(cluster, bucket);
    for (;;) {
      signal.throwIfAborted();
      for (const name of await free.look(signal)) {
        if (refused.has(name)) continue;
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
    const by = holderName();
    let lease: Lease;
    try {
      const options = leaseOptions(bucket, name, by);
      lease = parts.use(await Lease.take(cluster, leaseKey(name), by, options));
    } catch (error) {
      if (error instanceof ClusterError && error.fault === "two-coordinators") return undefined;
      throw error;
    }
    const found = await insist(cluster, () => bucket.get(name));
    // The run has ended meanwhile.
    if (found?.operation !== "PUT") return undefined;
    const entry = { ...readRunEntry(found.string()), by };
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
      : await reader.read(entry.checkpoint, entry.digest);
    parts.move();
    return new ConductedRun({
      ...{ cluster, lease, bucket, name, entry, revision, isOurs: false },
      ...(checkpoint && { checkpoint }),
    });
  }

  /** Returns the store of the run's checkpoints, which saves them in another store too. */
  checkpoints(local?: Checkpoints): Checkpoints {
    return local === undefined ? this.#store : this.#storeWith(local);
  }

  #storeWith(local: Checkpoints | undefined): ClusterCheckpoints {
    const publish = async (checkpoint: string, digest: string) => {
      const { checkpoint: before } = this.#entry;
      await this.#update({ checkpoint, digest });
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
    if (this.#entry.note === undefined) await this.#update({ note });
    else if (this.#entry.note !== note) this.#refuse();
    this.#isOurs = true;
  }

  /** Leaves the run to another process at the end of this one, which cannot go on. */
  leave(): void {
    this.#isOurs = false;
  }

  #refuse(): never {
    throw new ClusterError(
      "other-data",
      `Cannot take over the run ${this.name}: data, settings or rounding of this machine differ from those that it began with`,
    );
  }

  /**
   * Changes the entry.
   *
   * @throws {OvertakenError} If another process has changed it, or conducts the run.
   */
  async #update(change: Partial<RunEntry>): Promise<void> {
    if (this.lost.aborted) throw new OvertakenError(errorMessage(this.lost.reason));
    const entry = { ...this.#entry, ...change }, before = this.#revision;
    const text = JSON.stringify(entry);
    this.#revision = await insist(this.#cluster, async () => {
      try {
        return await this.#bucket.update(this.name, text, before);
      } catch (error) {
        const found = await this.#bucket.get(this.name);
        // The answer to an earlier attempt was lost.
        if (found?.string() === text) return found.revision;
        if (!isChanged(error)) throw error;
        throw new OvertakenError(
          `Cannot go on with the run ${this.name}: another process has conducted it since this process was silent`,
          { cause: error },
        );
      }
    });
    this.#entry = entry;
  }

  /** Ends the run, unless it is left to another process. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOurs && !this.lost.aborted && !this.#cluster.connection.isClosed()) {
      const { checkpoint } = this.#entry;
      await this.#bucket.purge(this.name).catch(() => {});
      if (checkpoint !== undefined) await this.#store.remove(checkpoint);
    }
    await this.#lease[Symbol.asyncDispose]();
    await this.#cluster[Symbol.asyncDispose]();
  }
}
