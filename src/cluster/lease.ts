import { runtime, type Timer } from "../base/runtime/runtime.ts";
import { ClusterError, type ClusterFault } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import { errors, JetStreamApiError, type KV } from "./deps.ts";
import { insist, NO_STREAM, pause } from "./insist.ts";
import { LEASES_BUCKET } from "./names.ts";
import { openBucket } from "./provision.ts";

/** Milliseconds between two renewals, of which three may fail before the lease ends. */
const RENEW_MILLIS = 1000;
/** Milliseconds after which the lease of a process that has died has ended in any case. */
const ENDED_MILLIS = 6000;
/** Renewals without an answer of a stream after which it is looked for. */
const MOST_UNANSWERED = 3;
/** Code of the server's error for an entry that another process has changed. */
const CHANGED: ReadonlySet<number> = new Set([10071, 10164]);

/** Options of {@linkcode Lease.take}. */
export interface LeaseOptions {
  /** Name of the run, for people. Default: that in the key. */
  readonly run?: string | undefined;
  /**
   * Reports whether no other process has had the lease, where it has ended and nobody has it.
   * Default: so it is.
   */
  readonly isOurs?: (() => Promise<boolean>) | undefined;
}

/**
 * Lease that one process holds, and renews until it is disposed of. Its time is the server's, so
 * that the clocks of machines do not matter.
 */
export class Lease implements AsyncDisposable {
  /** Aborted once another process holds the lease, or the server has lost it. */
  readonly lost: AbortSignal;
  readonly #lost = new AbortController();
  readonly #cluster: Cluster;
  readonly #bucket: KV;
  readonly #key: string;
  readonly #holder: string;
  readonly #options: LeaseOptions;
  readonly #stop: () => void;
  #revision: number;
  /** Renewals, one after the other, that no stream has answered. */
  #unanswered = 0;
  #timer: Timer | undefined;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(
    cluster: Cluster,
    bucket: KV,
    key: string,
    holder: string,
    revision: number,
    options: LeaseOptions,
  ) {
    this.lost = this.#lost.signal;
    this.#cluster = cluster;
    this.#bucket = bucket;
    this.#key = key;
    this.#holder = holder;
    this.#revision = revision;
    this.#options = options;
    this.#timer = runtime.timers.setInterval(() => this.#renewSoon(), RENEW_MILLIS);
    // It may have ended while the server was away, and others look for it at once.
    this.#stop = cluster.onBack(() => this.#renewSoon());
  }

  /**
   * Renews the lease now.
   *
   * @throws {ClusterError} "two-coordinators" if it is lost.
   */
  async confirm(): Promise<void> {
    await this.#renewSoon();
    this.lost.throwIfAborted();
  }

  #renewSoon(): Promise<void> {
    return this.#renewing = this.#renewing.then(() => this.#renew()).catch(() => {});
  }

  /**
   * Takes a lease that nobody holds.
   *
   * @param holder Name of this process, for whoever finds the lease taken.
   * @throws {ClusterError} "two-coordinators" if another process holds it.
   */
  static async take(
    cluster: Cluster,
    key: string,
    holder: string,
    options: LeaseOptions = {},
  ): Promise<Lease> {
    const bucket = await openBucket(cluster, LEASES_BUCKET);
    try {
      const revision = await insist(cluster, () => bucket.create(key, holder));
      return new Lease(cluster, bucket, key, holder, revision, options);
    } catch (error) {
      if (!isChanged(error)) throw error;
      throw new ClusterError(
        "two-coordinators",
        `Cannot conduct the run ${nameIn(key)}: ${await holderOf(bucket, key)} conducts it already`,
        { cause: error },
      );
    }
  }

  /**
   * Takes a lease as {@linkcode Lease.take}, once that of a process that has just died has ended.
   */
  static async takeFree(
    this: void,
    cluster: Cluster,
    key: string,
    holder: string,
    options: LeaseOptions = {},
  ): Promise<Lease> {
    const until = runtime.clock.now() + ENDED_MILLIS;
    for (;;) {
      try {
        return await Lease.take(cluster, key, holder, options);
      } catch (error) {
        const isHeld = error instanceof ClusterError && error.fault === "two-coordinators";
        if (!isHeld || runtime.clock.now() >= until) throw error;
      }
      await pause(RENEW_MILLIS / 4);
    }
  }

  /** Returns the process that holds a lease; `undefined` for none. */
  static async holder(
    cluster: Cluster,
    key: string,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const bucket = await openBucket(cluster, LEASES_BUCKET, signal);
    const entry = await insist(cluster, () => bucket.get(key), signal);
    return entry?.operation === "PUT" ? entry.string() : undefined;
  }

  async #renew(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    try {
      this.#revision = await this.#bucket.update(this.#key, this.#holder, this.#revision);
      this.#unanswered = 0;
    } catch (error) {
      if (isChanged(error)) await this.#takeAgain(error);
      else if (error instanceof errors.NoRespondersError) await this.#look(error);
    }
  }

  /** Finds out whether the server has lost the bucket, where nothing has answered for a while. */
  async #look(cause: unknown): Promise<void> {
    if (++this.#unanswered < MOST_UNANSWERED) return;
    this.#unanswered = 0;
    const info = await this.#cluster.manager.streams.info(`KV_${LEASES_BUCKET}`)
      .catch((error) => error);
    if (!(info instanceof JetStreamApiError && info.code === NO_STREAM)) return;
    const { url } = this.#cluster;
    this.#lose(
      `the server of the cluster at ${url} has lost what it had stored`,
      cause,
      "lost-jobs",
    );
  }

  /** Takes the lease again where it has ended while the server was away, and nobody took it. */
  async #takeAgain(cause: unknown): Promise<void> {
    const entry = await this.#bucket.get(this.#key);
    if (entry?.operation === "PUT" && entry.string() === this.#holder) {
      // The answer to the last renewal was lost.
      this.#revision = entry.revision;
      return;
    }
    try {
      this.#revision = await this.#bucket.create(this.#key, this.#holder);
    } catch (error) {
      if (!isChanged(error)) return;
      const other = await holderOf(this.#bucket, this.#key);
      return this.#lose(`${other} conducts it since this process was silent`, cause);
    }
    if (await this.#options.isOurs?.() !== false) return;
    await this.#bucket.delete(this.#key, { previousSeq: this.#revision }).catch(() => {});
    this.#lose("this process was silent for so long that others have ended its part", cause);
  }

  #lose(why: string, cause: unknown, fault: ClusterFault = "two-coordinators"): void {
    const run = this.#options.run ?? nameIn(this.#key);
    const message = `Cannot go on with the run ${run}: ${why}`;
    this.#lost.abort(new ClusterError(fault, message, { cause }));
  }

  /** Gives the lease back. */
  async [Symbol.asyncDispose](): Promise<void> {
    runtime.timers.clearInterval(this.#timer);
    this.#stop();
    await this.#renewing;
    if (this.#lost.signal.aborted || this.#cluster.connection.isClosed()) return;
    await this.#bucket.delete(this.#key, { previousSeq: this.#revision }).catch(() => {});
  }
}

/** Reports whether an entry was not changed because another process has changed it. */
export function isChanged(error: unknown): boolean {
  return error instanceof JetStreamApiError && CHANGED.has(error.code);
}

async function holderOf(bucket: KV, key: string): Promise<string> {
  const entry = await bucket.get(key).catch(() => null);
  return entry?.string() || "another process";
}

/** Returns the name of the run or session of a lease. */
function nameIn(key: string): string {
  return key.replace(/^run\./, "");
}
