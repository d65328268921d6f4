import { noteFinite } from "../params/finite_vectors.ts";
import type {
  ClientJob,
  ClientPool,
  ClientPoolOptions,
  JobOptions,
  RoundInput,
} from "./client_pool.ts";
import { JobRunner } from "./job_runner.ts";

/**
 * Pool that does the jobs one after the other on the program's own thread. It is the pool of a
 * simulation whose handlers a function makes, which cannot be sent to workers. It runs the kernels
 * that the program uses, whatever the option `build`.
 *
 * @example
 * ```ts
 * import { digits, mlp, partition, Simulation, SyncParameterServerHandler } from "@fedlab/core";
 * import { InProcessPool } from "@fedlab/core/sim";
 * import { initialParameters } from "@fedlab/core";
 *
 * const train = await digits();
 * const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
 * const handler = new SyncParameterServerHandler({ ...await initialParameters(model, 1), model });
 * const parts = partition("iid", train, { parts: 3, seed: 1 });
 * await new Simulation(handler, { train, parts, rounds: 2, pool: InProcessPool.start }).run();
 * ```
 */
export class InProcessPool implements ClientPool {
  readonly #runner: JobRunner;
  #input: RoundInput | undefined;

  private constructor(runner: JobRunner) {
    this.#runner = runner;
  }

  /**
   * Sets up the built-in handler.
   *
   * @throws {TypeError} If the handler is a module, which only a worker runs.
   */
  static async start(options: ClientPoolOptions): Promise<InProcessPool> {
    const { handler, manifest, parts, testParts } = options;
    if (handler instanceof URL) {
      throw new TypeError(
        `Cannot start the pool: expected a function that makes the handlers, got the module ${handler}`,
      );
    }
    const rowsReader = (all: readonly ArrayLike<number>[]) => (rank: number) =>
      Uint32Array.from(all[rank - 1] ?? []);
    const runner = await JobRunner.create({
      ...options,
      schema: options.schema,
      makeHandler: handler,
      length: manifest.length,
      manifestDigest: await manifest.digest(),
      rowsOf: parts && rowsReader(parts),
      testRowsOf: testParts && rowsReader(testParts),
    });
    return new InProcessPool(runner);
  }

  /** Copies the input of a round. */
  publish({ plan, parameters, control }: RoundInput): void {
    const copy = parameters.slice();
    noteFinite(copy);
    this.#input = {
      plan,
      parameters: copy,
      ...(control && { control: control.slice() }),
    };
  }

  /** Does jobs, one after the other. */
  async run<Job extends ClientJob>(
    jobs: readonly Job[],
    { own, take, signal }: JobOptions<Job>,
  ): Promise<void> {
    for (const job of jobs) {
      signal?.throwIfAborted();
      take(job, await this.#runner.run(job, this.#input, own?.(job), signal));
    }
  }

  /** Frees the handler. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner[Symbol.asyncDispose]();
  }
}
