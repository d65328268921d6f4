/**
 * Pool of a simulation whose jobs are done by the machines of a cluster.
 *
 * @module
 */

import type {
  ClientJob,
  ClientPool,
  ClientPoolOptions,
  JobOptions,
  RoundInput,
  StartClientPool,
} from "../sim/client_pool.ts";
import { checkCompatible } from "../plan/compatibility/conflicts.ts";
import { BlockDesk } from "./block_desk.ts";
import { BlockList } from "./block_list.ts";
import { BlockSum } from "./block_sum.ts";
import { BlockSizes } from "./block_sizes.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster, ClusterOptions } from "./connect.ts";
import { connectCluster } from "./connect.ts";
import { JetStreamApiError } from "./deps.ts";
import { describe } from "./describe.ts";
import type { BlockInput } from "./job_message.ts";
import { KnownMachines } from "./known_machines.ts";
import { mostBytes } from "./outcomes.ts";
import { type Ages, provision } from "./provision.ts";
import { Session } from "./session.ts";
import { DataStore } from "./data_store.ts";
import { Vectors } from "./vectors.ts";

/** Options of {@linkcode clusterPool}. */
export interface ClusterPoolOptions extends ClusterOptions, Ages {
  /**
   * Name of the run, for people.
   *
   * @default {"simulation"}
   */
  readonly run?: string | undefined;
  /** Receives the digest of the description for machines, before any of them is told of the run. */
  readonly onNote?: ((sha256: string) => Promise<void>) | undefined;
  /**
   * Milliseconds without an outcome after which a block is given to an idle machine too; at least
   * four times as long as machines have taken for such blocks.
   *
   * @default {10_000}
   */
  readonly patienceMillis?: number | undefined;
  /** Receives the fault of the cluster that ends the run. */
  readonly onFault?: ((fault: ClusterError) => void) | undefined;
}

/** Blocks that wait for each thread of the machines, besides the one that it does. */
const AHEAD = 2;
/** Blocks that are posted at least. */
const LEAST_AHEAD = 4;

/**
 * Returns the function that starts a pool on a cluster, for the option `pool` of a simulation: the
 * machines on which `fedlab worker` runs do the jobs. Results are those of the default pool, bit
 * for bit, whichever machines come and go.
 *
 * @example
 * ```ts ignore
 * import { clusterPool } from "@fedlab/core/cluster";
 *
 * const pool = clusterPool({ url: "nats://10.0.0.5:4222" });
 * await new Simulation(handler, { train, parts, rounds: 10, pool }).run();
 * ```
 */
export function clusterPool(options: ClusterPoolOptions): StartClientPool {
  return (pool) => ClusterPool.start(options, pool);
}

/** Pool of a simulation whose jobs are done by the machines of a cluster. */
export class ClusterPool implements ClientPool {
  readonly #cluster: Cluster;
  readonly #options: ClientPoolOptions;
  readonly #session: Session;
  readonly #machines: KnownMachines;
  readonly #vectors: Vectors;
  readonly #desk: BlockDesk;
  readonly #sizes = new BlockSizes();
  readonly #onFault: (fault: ClusterError) => void;
  #lists = 0;
  #inputs = 0;
  #input: BlockInput | undefined;

  private constructor(
    cluster: Cluster,
    options: ClientPoolOptions,
    session: Session,
    machines: KnownMachines,
    { onNotice = () => {}, onFault = () => {}, patienceMillis }: ClusterPoolOptions,
  ) {
    this.#onFault = onFault;
    this.#cluster = cluster;
    this.#options = options;
    this.#session = session;
    this.#machines = machines;
    this.#vectors = new Vectors(cluster, session.id);
    this.#desk = new BlockDesk({
      ...{ cluster, session, machines, vectors: this.#vectors, options, onNotice, patienceMillis },
    });
  }

  /**
   * Connects to a cluster and begins a session, without waiting for machines.
   *
   * @throws {ClusterError} If the cluster cannot be used.
   * @throws {RangeError} If a choice does not go with a cluster, such as a function that makes the
   * handlers.
   */
  static async start(
    cluster: ClusterPoolOptions,
    options: ClientPoolOptions,
  ): Promise<ClusterPool> {
    const { onNotice = () => {} } = cluster;
    const { handler, model } = options;
    checkCompatible({
      isClustered: true,
      hasFunction: typeof handler === "function",
      hasBase: model?.format === "text-encoder" && handler === undefined,
    }, "Cannot start a pool on a cluster");
    await using parts = new AsyncDisposableStack();
    const connection = parts.use(await connectCluster({ name: "fedlab simulate", ...cluster }));
    await provision(connection, cluster);
    const note = await describe(new DataStore(connection), options);
    await cluster.onNote?.(note.sha256);
    const session = parts.use(
      await Session.begin(connection, cluster.run ?? "simulation", note),
    );
    const machines = parts.use(
      await KnownMachines.watch(connection, session.id, (_, { name, threads, refusal }) => {
        onNotice(
          refusal === undefined
            ? `Machine ${name} takes part, threads: ${threads}`
            : `Machine ${name} does not take part: ${refusal}`,
        );
      }),
    );
    const pool = new ClusterPool(connection, options, session, machines, cluster);
    parts.move();
    return pool;
  }

  /** Number of outcomes of blocks that could not be used. */
  get refused(): number {
    return this.#desk.refusals.count;
  }

  /** Number of outcomes of blocks that another machine was asked for too. */
  get doubted(): number {
    return this.#desk.doubted;
  }

  /** Stores the input of a round, unless its vectors are those that are stored. */
  async publish(input: RoundInput): Promise<void> {
    await this.#telling(() => this.#publish(input));
  }

  async #publish({ plan, parameters, control }: RoundInput): Promise<void> {
    const views = [parameters, ...control ? [control] : []], number = this.#inputs++;
    const before = this.#input?.vectors;
    const isSame = before !== undefined && await this.#vectors.digestOf(views) === before.sha256;
    const vectors = isSame ? before : await this.#vectors.put(views, this.#session.lost);
    this.#input = { number, plan, vectors };
    if (before !== undefined && !isSame) this.#vectors.forget(before);
  }

  /** Does jobs on the machines; waits for machines as long as there are none. */
  async run<Job extends ClientJob>(jobs: readonly Job[], options: JobOptions<Job>): Promise<void> {
    await this.#telling(() => this.#run(jobs, options));
  }

  /** Tells of the fault of the cluster by which a step fails. */
  async #telling(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const fault = await this.#faultOf(error);
      if (fault !== undefined) this.#onFault(fault);
      throw fault ?? error;
    }
  }

  /** Returns the fault of the cluster that an error comes of; `undefined` for another error. */
  async #faultOf(error: unknown): Promise<ClusterError | undefined> {
    if (error instanceof JetStreamApiError) {
      // Others remove what this process has in the cluster once it was silent for too long.
      await this.#session.check().catch((lost) => error = lost);
    }
    return error instanceof ClusterError ? error : undefined;
  }

  async #run<Job extends ClientJob>(jobs: readonly Job[], options: JobOptions<Job>): Promise<void> {
    const list = new BlockList(this.#lists++, jobs, this.#input), desk = this.#desk;
    const { take, signal, sums } = options;
    const ending = AbortSignal.any([this.#session.lost, ...signal ? [signal] : []]);
    const [first] = jobs;
    if (first === undefined) return;
    const bytes = bytesOfJob(this.#options, sums !== undefined);
    desk.open(list);
    for (let head = 0; !list.isWhole || head < list.length; head++) {
      const threads = this.#machines.threads;
      while (!list.isWhole && list.length - head < Math.max(LEAST_AHEAD, (1 + AHEAD) * threads)) {
        const block = list.next(this.#sizes.size(first.kind, jobs.length, threads, bytes));
        await desk.post(list, block, options, ending);
      }
      const blockJobs = list.jobsOf(head);
      const expected = this.#sizes.millis(first.kind, blockJobs.length);
      const { outcomes, sum, millis } = await desk.receive(list, head, options, ending, expected);
      this.#sizes.note(first.kind, blockJobs.length, Math.min(millis, 1e9));
      for (const [i, job] of blockJobs.entries()) {
        const outcome = outcomes[i];
        if (outcome === undefined) throw new Error("Cannot go on: the cluster has lost a job");
        ending.throwIfAborted();
        take(job, outcome);
      }
      if (sum) sums?.merge(sum);
    }
    await desk.close(list.number);
  }

  /** Ends the session, and removes what it has left on the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#desk.stop();
    await this.#machines[Symbol.asyncDispose]();
    await this.#session[Symbol.asyncDispose]();
    await this.#cluster[Symbol.asyncDispose]();
  }
}

/** Share of an update's bytes that count where machines may add updates up: some are sent whole. */
const SUMMED_SHARE = 1 / 16;

/** Returns the bytes by which blocks are sized, of the vectors of a job. */
function bytesOfJob(options: ClientPoolOptions, mayHaveSums: boolean): number {
  const bytes = mostBytes(options, 1), { byteLength } = options.manifest;
  const isSummed = mayHaveSums && BlockSum.leastJobs(options) < Infinity;
  return isSummed ? bytes - (1 - SUMMED_SHARE) * byteLength : bytes;
}
