import { spawn } from "../worker/spawn.ts";
import type { WorkerProcess } from "../worker/worker_process.ts";
import type {
  ClientJob,
  ClientPool,
  ClientPoolOptions,
  JobOptions,
  RoundInput,
} from "./client_pool.ts";
import { JobQueue } from "./job_queue.ts";
import { type PoolWorkerArgs, shareData, shareParts } from "./worker_args.ts";

/** Slots for each worker: enough that no worker waits for the program to take an outcome. */
const SLOTS_PER_WORKER = 3;

/**
 * Pool of workers with one engine each, which read data, parameters and jobs from memory that all
 * share. It is the pool of a simulation by default.
 */
export class WorkerPool implements ClientPool {
  readonly #queue: JobQueue;
  readonly #workers: readonly WorkerProcess<void>[];
  readonly #free: number[];
  #failure: { readonly error: unknown } | undefined;

  private constructor(queue: JobQueue, workers: readonly WorkerProcess<void>[]) {
    this.#queue = queue;
    this.#workers = workers;
    this.#free = Array.from({ length: queue.memory.slots }, (_, i) => i);
    for (const worker of workers) {
      worker.join().then(() => {
        if (queue.hasStopped) return;
        throw new Error(
          `Cannot go on: worker ${worker.name} has ended; the module of a handler ends with defineClient()`,
        );
      }).catch((error) => {
        this.#failure ??= { error };
        queue.wake();
      });
    }
  }

  /**
   * Starts the workers.
   *
   * @throws {RangeError} If the system does not give the memory.
   * @throws {TypeError} If the handler is a function, which cannot be sent to a worker.
   */
  static async start(options: ClientPoolOptions): Promise<WorkerPool> {
    const { workers, manifest, keepsOwn, hasControl, counts } = options;
    const { handler, train, test, parts, testParts } = options;
    if (typeof handler === "function") {
      throw new TypeError(
        "Cannot start workers: expected the URL of a handler's module, got a function, which only an InProcessPool takes",
      );
    }
    const slots = workers * SLOTS_PER_WORKER, { length } = manifest;
    const queue = JobQueue.create({ slots, length, keepsOwn, hasControl, counts });
    const args: PoolWorkerArgs = {
      queue: queue.memory,
      length,
      manifestDigest: await manifest.digest(),
      model: options.model,
      schema: options.schema,
      train: train && shareData(train),
      test: test && shareData(test),
      parts: parts && shareParts(parts),
      testParts: testParts && shareParts(testParts),
      settings: options.settings,
      engine: options.engine,
      backend: options.backend,
      counts,
      build: options.build,
    };
    const module = handler ?? new URL("./pool_worker.ts", import.meta.url);
    const processes = Array.from(
      { length: workers },
      (_, i) => spawn<PoolWorkerArgs, void>(module, args, { name: `pool ${i + 1}` }),
    );
    for (const process of processes) process.start();
    return new WorkerPool(queue, processes);
  }

  /** Copies the input of a round to the memory that the workers read. */
  publish(input: RoundInput): void {
    this.#queue.publish(input);
  }

  /** Does jobs; rejects also when a worker ends. */
  async run<Job extends ClientJob>(jobs: readonly Job[], options: JobOptions<Job>): Promise<void> {
    const { signal } = options;
    const wake = () => this.#queue.wake();
    signal?.addEventListener("abort", wake);
    try {
      await this.#run(jobs, options);
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  async #run<Job extends ClientJob>(
    jobs: readonly Job[],
    { own, take, signal }: JobOptions<Job>,
  ): Promise<void> {
    const queue = this.#queue;
    // The ring of the queue relies on slots that become free in the order of their jobs.
    const underWay: number[] = [];
    for (let posted = 0, taken = 0; taken < jobs.length;) {
      const next = jobs[posted], free = next && this.#free.pop();
      if (next && free !== undefined) {
        queue.enqueue(free, next, own?.(next));
        underWay.push(free);
        posted++;
        continue;
      }
      const job = jobs[taken], slot = underWay[0];
      if (!job || slot === undefined) throw new Error("Cannot go on: the pool has no free slot");
      const { done } = queue;
      signal?.throwIfAborted();
      if (this.#failure) throw this.#failure.error;
      const outcome = queue.outcome(slot);
      if (outcome === undefined) {
        await queue.moreDone(done);
        continue;
      }
      take(job, outcome);
      underWay.shift();
      this.#free.push(slot);
      taken++;
    }
  }

  /** Ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.stop();
    for (const worker of this.#workers) worker.abort();
    await Promise.allSettled(this.#workers.map((worker) => worker.join()));
  }
}
