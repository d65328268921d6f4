/**
 * Machine of a cluster: it joins the sessions that it finds, and does their jobs.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { v } from "../plan/deps.ts";
import { clockNotice } from "./clock_check.ts";
import { CachedData } from "./cached_data.ts";
import { ClusterError } from "./cluster_error.ts";
import { type Cluster, type ClusterOptions, connectCluster } from "./connect.ts";
import { DataStore } from "./data_store.ts";
import { type KV, nuid } from "./deps.ts";
import { insist, pause } from "./insist.ts";
import type { MachineState } from "./known_machines.ts";
import { Lease } from "./lease.ts";
import { type MachineLimits, Membership } from "./membership.ts";
import { machineKey, MACHINES_BUCKET, SESSIONS_BUCKET } from "./names.ts";
import { openBucket, provision } from "./provision.ts";
import { sessionsOf } from "./sweeps.ts";
import { namedError } from "./server_check.ts";
import { sessionEntrySchema } from "./session_note.ts";

/** Options of {@linkcode runMachine}. */
export interface MachineOptions extends ClusterOptions, Partial<MachineLimits> {
  /** Folder in which data are kept for later runs. Default: none, data are fetched in each run. */
  readonly cacheFolder?: string | undefined;
  /** Ends the machine. */
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds between two signs of life. */
const PRESENCE_INTERVAL_MILLIS = 2000;
/** Looks without a lease of a coordinator after which a machine leaves its session. */
const MOST_MISSED = 3;
/** Milliseconds between two looks for a cluster that no coordinator has set up yet. */
const SET_UP_MILLIS = 1000;

/**
 * Does the jobs of all sessions of a cluster, until the signal is aborted.
 *
 * @throws {ClusterError} If the cluster cannot be used.
 *
 * @example
 * ```ts ignore
 * import { runMachine } from "@fedlab/core/cluster";
 *
 * await runMachine({ url: "nats://10.0.0.5:4222", onNotice: console.log });
 * ```
 */
export async function runMachine(options: MachineOptions): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) return;
  try {
    await using cluster = await connectCluster({ name: "fedlab worker", ...options });
    await setUp(cluster, signal);
    const notice = await clockNotice(cluster);
    if (notice !== undefined) options.onNotice?.(notice);
    await using machine = new Machine(cluster, options);
    await machine.run(signal);
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

/** Makes the streams, or waits for a process that may make them. */
async function setUp(cluster: Cluster, signal: AbortSignal | undefined): Promise<void> {
  try {
    return await provision(cluster);
  } catch (error) {
    if (!(error instanceof ClusterError && error.fault === "not-authorized")) throw error;
  }
  const bucket = await openBucket(cluster, SESSIONS_BUCKET);
  while (signal?.aborted !== true) {
    const began = runtime.clock.now();
    try {
      await bucket.get("none");
      return;
    } catch {
      const refusal = cluster.violationSince(began);
      if (refusal !== undefined) throw namedError(cluster.url, refusal);
      await pause(SET_UP_MILLIS, signal);
    }
  }
}

/** Machine of a cluster. */
class Machine implements AsyncDisposable {
  readonly #id: string;
  readonly #cluster: Cluster;
  readonly #options: MachineOptions;
  readonly #limits: MachineLimits;
  readonly #data: CachedData;
  readonly #sessions = new Map<string, Joined>();
  /** Parts in sessions that have not ended yet, also of sessions that the machine has left. */
  readonly #running = new Set<Promise<void>>();
  readonly #onNotice: (line: string) => void;

  constructor(cluster: Cluster, options: MachineOptions) {
    const { cacheFolder, onNotice = () => {} } = options;
    this.#id = `${cluster.user}.${nuid.next()}`;
    this.#cluster = cluster;
    this.#options = options;
    this.#onNotice = onNotice;
    this.#data = new CachedData(new DataStore(cluster), cacheFolder, onNotice);
    this.#limits = {
      threads: options.threads ?? runtime.workers.hardwareConcurrency,
      isStrict: options.isStrict ?? false,
      allowsModules: options.allowsModules ?? false,
    };
  }

  /** Watches the sessions. */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const sessions = await openBucket(this.#cluster, SESSIONS_BUCKET);
    const machines = await openBucket(this.#cluster, MACHINES_BUCKET);
    const entries = await insist(this.#cluster, () => sessions.watch(), signal);
    const stop = () => entries.stop();
    signal?.addEventListener("abort", stop);
    let isLooking = false;
    const presence = runtime.timers.setInterval(() => {
      for (const joined of this.#sessions.values()) this.#present(machines, joined);
      if (isLooking) return;
      isLooking = true;
      this.#look(sessions, machines).catch(() => {}).finally(() => isLooking = false);
    }, PRESENCE_INTERVAL_MILLIS);
    try {
      if (signal?.aborted) return;
      for await (const entry of entries) {
        if (entry.operation === "PUT") this.#join(entry.key, entry.string(), machines);
        else this.#leave(entry.key);
      }
    } finally {
      runtime.timers.clearInterval(presence);
      signal?.removeEventListener("abort", stop);
    }
  }

  #join(id: string, text: string, machines: KV): void {
    if (this.#sessions.has(id)) return;
    const ending = new AbortController();
    const joined: Joined = { id, ending, state: { ...this.#state, threads: 0 }, missed: 0 };
    this.#sessions.set(id, joined);
    const running = this.#take(joined, text, machines)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Takes part in a session until it ends. */
  async #take(joined: Joined, text: string, machines: KV): Promise<void> {
    const { signal } = joined.ending;
    try {
      if (await Lease.holder(this.#cluster, joined.id) === undefined) return this.#leave(joined.id);
      const entry = v.parse(sessionEntrySchema, JSON.parse(text));
      await using membership = await Membership.join({
        ...{ cluster: this.#cluster, session: joined.id, machine: this.#id, entry, signal },
        ...{ data: this.#data, limits: this.#limits, onNotice: this.#onNotice },
      });
      joined.state = this.#state;
      await this.#present(machines, joined);
      this.#onNotice(`Takes part in the run ${entry.run}, threads: ${this.#limits.threads}`);
      await membership.run();
    } catch (error) {
      if (signal.aborted) return;
      const refusal = errorMessage(error).slice(0, 1000);
      this.#onNotice(refusal);
      // Another attempt may end otherwise.
      if (!(error instanceof ClusterError)) return this.#leave(joined.id);
      joined.state = { ...this.#state, threads: 0, refusal };
      await this.#present(machines, joined);
    }
  }

  async #present(machines: KV, { id, state }: Joined): Promise<void> {
    await machines.put(machineKey(id, this.#id), JSON.stringify(state)).catch(() => {});
  }

  get #state(): MachineState {
    return { name: this.#options.name ?? this.#id.slice(-6), threads: this.#limits.threads };
  }

  /**
   * Joins the sessions that it has not heard of, and leaves those whose coordinators have died. A
   * lease may end while the server is away, and is taken again then.
   */
  async #look(sessions: KV, machines: KV): Promise<void> {
    const ids = await sessionsOf(this.#cluster);
    for (const id of this.#sessions.keys()) if (!ids.includes(id)) this.#leave(id);
    for (const id of ids) {
      const isAlive = await Lease.holder(this.#cluster, id) !== undefined;
      const joined = this.#sessions.get(id);
      if (joined === undefined) {
        const entry = isAlive ? await sessions.get(id) : null;
        if (entry?.operation === "PUT") this.#join(id, entry.string(), machines);
      } else if (isAlive) joined.missed = 0;
      else if (++joined.missed >= MOST_MISSED) this.#leave(id);
    }
  }

  #leave(id: string): void {
    const joined = this.#sessions.get(id);
    this.#sessions.delete(id);
    joined?.ending.abort();
  }

  /** Leaves all sessions. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.#sessions.keys()]) this.#leave(id);
    await Promise.all(this.#running);
  }
}

/** Session that the machine takes part in, or refuses. */
interface Joined {
  readonly id: string;
  readonly ending: AbortController;
  state: MachineState;
  /** Number of looks, one after the other, that have found no lease of the coordinator. */
  missed: number;
}
