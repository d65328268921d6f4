import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import { isFiniteData } from "../data/finite.ts";
import type { Dataset } from "../data/dataset.ts";
import type { KernelBuild } from "../params/kernels.ts";
import type { ModelDescription } from "../train/handler.ts";
import { spawn } from "../worker/spawn.ts";
import type { WorkerProcess } from "../worker/worker_process.ts";
import { Board, type Failure, type Figures, type Job } from "./board.ts";
import type { ClientWorkerArgs, SharedData, SharedParts } from "./worker_args.ts";

/** What a pool is made of. */
export interface PoolOptions {
  readonly workers: number;
  /** Values of a parameter vector. */
  readonly length: number;
  readonly keepsState: boolean;
  readonly hasControl: boolean;
  /** How many counts the workers add up. */
  readonly counts: number;
  readonly model: ModelDescription;
  readonly train: Dataset;
  readonly test: Dataset | undefined;
  /** The rows of each client. */
  readonly parts: readonly ArrayLike<number>[];
  /** The rows that each client evaluates on, where those are not the same. */
  readonly testParts: readonly ArrayLike<number>[] | undefined;
  readonly engine: EngineChoice;
  readonly backend: BackendChoice;
  readonly build: KernelBuild;
}

/** Jobs that may be under way or done, for each worker: so many that none waits for the program. */
const SLOTS_PER_WORKER = 3;

/** Workers with one engine each, which read data, parameters and jobs from memory that all share. */
export class Pool implements AsyncDisposable {
  readonly board: Board;
  readonly #workers: readonly WorkerProcess<void>[];
  readonly #free: number[];
  #failure: { readonly error: unknown } | undefined;

  private constructor(board: Board, workers: readonly WorkerProcess<void>[]) {
    this.board = board;
    this.#workers = workers;
    this.#free = Array.from({ length: board.memory.slots }, (_, i) => i);
    for (const worker of workers) {
      worker.join().catch((error) => {
        this.#failure ??= { error };
        board.wake();
      });
    }
  }

  /** Starts the workers. */
  static start(options: PoolOptions): Pool {
    const { workers, length, keepsState, hasControl, counts, parts, testParts } = options;
    const slots = workers * SLOTS_PER_WORKER;
    const board = Board.create({ slots, length, keepsState, hasControl, counts });
    const args: ClientWorkerArgs = {
      board: board.memory,
      model: options.model,
      train: share(options.train),
      test: options.test && share(options.test),
      parts: shareParts(parts),
      testParts: testParts && shareParts(testParts),
      engine: options.engine,
      backend: options.backend,
      build: options.build,
    };
    const module = new URL("./client_worker.ts", import.meta.url);
    const processes = Array.from(
      { length: workers },
      (_, i) => spawn<ClientWorkerArgs, void>(module, args, { name: `pool ${i + 1}` }),
    );
    for (const process of processes) process.start();
    return new Pool(board, processes);
  }

  /**
   * Has the workers do the jobs. `prepare` is called with the slot before a job is posted, and `take` with what came of it, or why nothing did, in the
   * order of the jobs.
   *
   * Rejects when a worker ends, and with the signal's reason; the pool is of no use then.
   */
  async run<J extends Job>(
    jobs: readonly J[],
    { prepare, take, signal }: {
      prepare?: (job: J, slot: number) => void;
      take: (job: J, outcome: Figures | Failure, slot: number) => void;
      signal?: AbortSignal | undefined;
    },
  ): Promise<void> {
    const { board } = this;
    const wake = () => board.wake();
    signal?.addEventListener("abort", wake);
    try {
      await this.#run(jobs, prepare, take, signal);
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  async #run<J extends Job>(
    jobs: readonly J[],
    prepare: ((job: J, slot: number) => void) | undefined,
    take: (job: J, outcome: Figures | Failure, slot: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { board } = this;
    // Slots become free in the order in which they were posted: the board's ring counts on it.
    const underWay: number[] = [];
    for (let posted = 0, taken = 0; taken < jobs.length;) {
      const next = jobs[posted], free = next && this.#free.pop();
      if (next && free !== undefined) {
        prepare?.(next, free);
        board.post(free, next);
        underWay.push(free);
        posted++;
        continue;
      }
      const job = jobs[taken], slot = underWay[0];
      if (!job || slot === undefined) throw new Error("Cannot go on: the pool has no free slot");
      const { done } = board;
      signal?.throwIfAborted();
      if (this.#failure) throw this.#failure.error;
      const outcome = board.outcome(slot);
      if (outcome === undefined) {
        await board.moreDone(done);
        continue;
      }
      take(job, outcome, slot);
      underWay.shift();
      this.#free.push(slot);
      taken++;
    }
  }

  /** Ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.board.stop();
    for (const worker of this.#workers) worker.abort();
    await Promise.allSettled(this.#workers.map((worker) => worker.join()));
  }
}

/** The data in memory that workers can read. */
function share(data: Dataset): SharedData {
  const { features, labels, shape, numClasses } = data.share();
  return {
    features: features.buffer as SharedArrayBuffer,
    labels: labels.buffer as SharedArrayBuffer,
    shape,
    numClasses,
    isFinite: isFiniteData(data),
  };
}

function shareParts(parts: readonly ArrayLike<number>[]): SharedParts {
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (parts.length + 1)));
  parts.forEach(({ length }, i) => starts[i + 1] = (starts[i] ?? 0) + length);
  const rows = new Uint32Array(new SharedArrayBuffer(4 * (starts.at(-1) ?? 0)));
  parts.forEach((part, i) => rows.set(part, starts[i]));
  return { rows: rows.buffer, starts: starts.buffer };
}
