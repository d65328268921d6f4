import { runtime } from "../base/runtime/runtime.ts";
import { yieldToEventLoop } from "../base/time/yield_to_event_loop.ts";
import { resolveBuild } from "../params/build.ts";
import { readGraph } from "../engine/graph/read_graph.ts";
import type { WorkerProcess } from "../worker/worker_process.ts";
import type {
  ClientJob,
  ClientPool,
  ClientPoolOptions,
  JobOptions,
  RoundInput,
} from "./client_pool.ts";
import { JobQueue } from "./job_queue.ts";
import type { JobRunner } from "./job_runner.ts";
import { poolWorker, type PreparedWorkers, takePrepared } from "./prepared_workers.ts";
import { createRunner, runJob } from "./serve_jobs.ts";
import { type PoolWorkerArgs, shareData, shareParts } from "./worker_args.ts";

/** Interval of a timer that does nothing. */
const ALIVE_MILLIS = 60_000;

/** Slots for each thread: enough that none waits for the program to take an outcome. */
const SLOTS_PER_THREAD = 3;
/** Most slots, and bytes of their vectors, where each thread has as many as it needs. */
const MOST_SLOTS = 256, MOST_SLOT_BYTES = 2 ** 24;

/**
 * Pool of threads with one engine each, which read data, parameters and jobs from memory that all
 * share. It is the pool of a simulation by default.
 *
 * The program's own thread is one of them where the built-in handler runs on the native kernels: it
 * does jobs too, in place of waiting for the others. The others are workers.
 */
export class WorkerPool implements ClientPool {
  readonly #queue: JobQueue;
  readonly #workers: readonly WorkerProcess<void>[];
  /** Does jobs on the program's own thread. */
  #runner: JobRunner | undefined;
  #failure: { readonly error: unknown } | undefined;

  private constructor(
    queue: JobQueue,
    workers: readonly WorkerProcess<void>[],
    module: URL | undefined,
  ) {
    this.#queue = queue;
    this.#workers = workers;
    for (const worker of workers) {
      worker.join().then(() => {
        if (queue.hasStopped) return;
        throw new Error(
          `Cannot go on: worker ${worker.name} has ended: expected a module that calls defineClient(), got ${
            module ?? "the built-in one"
          }`,
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
   * @param prepared Workers for the built-in handler that load their modules. Default: none.
   * @throws {RangeError} If the system does not give the memory.
   * @throws {TypeError} If the handler is a function, which cannot be sent to a worker.
   */
  static async start(options: ClientPoolOptions, prepared?: PreparedWorkers): Promise<WorkerPool> {
    const { workers, manifest, keepsOwn, hasControl, counts } = options;
    const { handler, train, test, parts, testParts } = options;
    if (typeof handler === "function") {
      throw new TypeError(
        "Cannot start workers: expected the URL of a handler's module, got a function, which only an InProcessPool takes",
      );
    }
    const { length } = manifest;
    const slots = slotsFor(workers, manifest.byteLength * (keepsOwn ? 2 : 1));
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
      privacy: options.privacy,
      base: options.base,
      engine: options.engine,
      backend: options.backend,
      counts,
      build: options.build,
    };
    const isOneOfThem = !options.isApart && handler === undefined && runsNatively(options);
    const count = workers - (isOneOfThem ? 1 : 0);
    const ready = handler === undefined && prepared ? takePrepared(prepared, count) : [];
    const others = Array.from(
      { length: count - ready.length },
      (_, i) => poolWorker(ready.length + i + 1, handler, options.permissions),
    );
    const processes = [...ready, ...others];
    for (const process of processes) process.start(args);
    const pool = new WorkerPool(queue, processes, handler);
    try {
      if (isOneOfThem) pool.#runner = await createRunner(args, undefined);
      return pool;
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Copies the input of a round to the memory that the workers read. */
  publish(input: RoundInput): void {
    this.#queue.input.publish(input);
  }

  /** Does jobs; rejects also when a worker ends. */
  async run<Job extends ClientJob>(jobs: readonly Job[], options: JobOptions<Job>): Promise<void> {
    const { signal } = options;
    const wake = () => this.#queue.wake();
    signal?.addEventListener("abort", wake);
    // Waiting for a word of memory does not keep a program alive whose last worker has ended.
    const alive = runtime.timers.setInterval(() => {}, ALIVE_MILLIS);
    try {
      await this.#run(jobs, options);
    } finally {
      runtime.timers.clearInterval(alive);
      signal?.removeEventListener("abort", wake);
    }
  }

  async #run<Job extends ClientJob>(
    jobs: readonly Job[],
    { own, take, signal }: JobOptions<Job>,
  ): Promise<void> {
    const queue = this.#queue, runner = this.#runner, { slots } = queue.memory;
    const hasFailed = () => this.#failure !== undefined || signal?.aborted === true;
    const first = queue.begin();
    for (let posted = 0, taken = 0; taken < jobs.length;) {
      signal?.throwIfAborted();
      if (this.#failure) throw this.#failure.error;
      // Jobs are posted in lists: in halves of the slots, where there are more jobs than slots.
      if (posted - taken <= slots / 2 && posted < jobs.length) {
        for (; posted - taken < slots; posted++) {
          const job = jobs[posted];
          if (job === undefined) break;
          queue.write(first + posted, job, own?.(job));
        }
        queue.post(first + posted);
      }
      const head = first + taken, job = jobs[taken];
      if (job === undefined) throw new Error("Cannot go on: the pool has lost a job");
      if (queue.isDone(head)) {
        take(job, queue.outcome(head));
        taken++;
        continue;
      }
      const mine = runner && queue.take();
      if (runner && mine !== undefined) {
        const outcome = await runJob(queue, runner, mine, signal);
        if (mine === head) {
          take(job, outcome);
          taken++;
        } else queue.finish(mine, outcome);
        continue;
      }
      await yieldToEventLoop();
      // Half of the jobs under way are waited for at a time, as they end in about their order.
      const ahead = runner ? head : head + Math.floor((posted - taken) / 2);
      await queue.waitForEnd(queue.isDone(ahead) ? head : ahead, hasFailed);
    }
  }

  /** Ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.stop();
    for (const worker of this.#workers) worker.abort();
    await Promise.allSettled(this.#workers.map((worker) => worker.join()));
    await this.#runner?.[Symbol.asyncDispose]();
  }
}

/** Returns the number of slots, for a number of bytes of the vectors of each. */
function slotsFor(threads: number, bytes: number): number {
  const most = Math.min(MOST_SLOTS, Math.floor(MOST_SLOT_BYTES / bytes));
  return Math.max(threads * SLOTS_PER_THREAD, most);
}

/** Returns true if the program's own kernels, which are those of the workers, run the model. */
function runsNatively({ engine, model, train, parts, build }: ClientPoolOptions): boolean {
  if (engine === "tfjs" || model === undefined || !train || !parts) return false;
  // Builds of the kernels differ in the last bits.
  if (resolveBuild("auto") !== build) return false;
  if (model.format === "text-encoder") return true;
  try {
    readGraph(model);
    return true;
  } catch {
    // The workers run it on tfjs, or say what is wrong.
    return false;
  }
}
