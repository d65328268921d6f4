import { WorkerRun } from "../worker/worker_run.ts";
import type { ClientPoolOptions } from "./client_pool.ts";
import type { PoolWorkerArgs } from "./worker_args.ts";

/** Module of the workers whose clients use the built-in handler. */
const POOL_WORKER = new URL("./pool_worker.ts", import.meta.url);
/** The same, of workers that warm up until they are started. */
const WARM_POOL_WORKER = new URL("./warm_pool_worker.ts", import.meta.url);

/** Returns a worker of a pool, which is not started. */
export function poolWorker(
  number: number,
  module: URL = POOL_WORKER,
  permissions?: ClientPoolOptions["permissions"],
): WorkerRun<void, PoolWorkerArgs> {
  return new WorkerRun(module, { name: `pool ${number}`, permissions });
}

/** Options of {@linkcode PreparedWorkers}. */
export interface PreparedWorkersOptions {
  /**
   * Trains a logistic regression on images made for it in the meantime, so that V8 has compiled the
   * code and the kernels of small clients when the first round begins.
   *
   * @default {false}
   */
  readonly warmsUp?: boolean;
}

/** Takes workers; see {@linkcode takePrepared}. */
let take: (prepared: PreparedWorkers, count: number) => WorkerRun<void, PoolWorkerArgs>[];

/**
 * Workers for a {@linkcode WorkerPool} of the built-in handler that load their modules while a
 * program reads its data. The pool takes as many as it needs, and the others end.
 *
 * @example
 * ```ts
 * import { digits, mlp, partition, Simulation, SyncParameterServerHandler } from "@fedlab/core";
 * import { PreparedWorkers, WorkerPool } from "@fedlab/core/sim";
 * import { initialParameters } from "@fedlab/core";
 *
 * await using prepared = new PreparedWorkers(1);
 * const train = await digits();
 * const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
 * const handler = new SyncParameterServerHandler({ ...await initialParameters(model, 1), model });
 * const parts = partition("iid", train, { parts: 3, seed: 1 });
 * const simulation = new Simulation(handler, {
 *   ...{ train, parts, rounds: 2, workers: 2 },
 *   pool: (options) => WorkerPool.start(options, prepared),
 * });
 * await simulation.run();
 * ```
 */
export class PreparedWorkers implements AsyncDisposable {
  readonly #workers: WorkerRun<void, PoolWorkerArgs>[];

  static {
    take = (prepared, count) => prepared.#workers.splice(0, count);
  }

  /** Starts to load the modules of that many workers. */
  constructor(count: number, { warmsUp = false }: PreparedWorkersOptions = {}) {
    const module = warmsUp ? WARM_POOL_WORKER : POOL_WORKER;
    this.#workers = Array.from({ length: count }, (_, i) => poolWorker(i + 1, module));
    for (const worker of this.#workers) worker.load();
  }

  /** Ends the workers that were not taken. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker[Symbol.asyncDispose]()));
  }
}

/** Takes at most `count` of the workers, which the caller starts and ends. */
export function takePrepared(
  prepared: PreparedWorkers,
  count: number,
): WorkerRun<void, PoolWorkerArgs>[] {
  return take(prepared, count);
}
