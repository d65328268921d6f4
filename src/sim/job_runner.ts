import { errorMessage } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { Dataset } from "../data/dataset.ts";
import { ClientSGDHandler } from "../engine/client_handler.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Metrics } from "../plan/results.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { ClientBackendHandler, ModelDescription } from "../train/handler.ts";
import { LocalLearner } from "../train/rules/learner.ts";
import type { ClientJob, JobOutcome, RoundInput } from "./client_pool.ts";
import type { MakeClientHandler } from "./define_client.ts";

/** Address that the handler of a simulated client is given for its server. */
const SIMULATION_ADDRESS = "simulation";

/** Rows of each client, by its rank. */
type RowsOf = (rank: Rank) => Uint32Array;

/** Options of {@linkcode JobRunner.create}. */
export interface JobRunnerOptions {
  /** Number of values of a parameter vector. */
  readonly length: number;
  /** Digest of the server's manifest, which the handlers that are made must have. */
  readonly manifestDigest: string;
  readonly model: ModelDescription | undefined;
  /** Makes the handler of each job; `undefined` for the built-in handler. */
  readonly makeHandler: MakeClientHandler | undefined;
  readonly train: Dataset | undefined;
  readonly test: Dataset | undefined;
  readonly rowsOf: RowsOf | undefined;
  readonly testRowsOf: RowsOf | undefined;
  readonly engine: EngineChoice;
  readonly backend: BackendChoice;
  /** Length of the counts of a `test` job. */
  readonly counts: number;
}

/** A client's handler and learner for one job. */
interface LoadedClient extends AsyncDisposable {
  readonly handler: ClientBackendHandler;
  readonly learner: LocalLearner;
}

/**
 * Does the jobs of a simulation's clients, one at a time, on one thread. The built-in handler
 * serves all clients in turn. Other handlers are made for each job, so that a client keeps nothing
 * but its own vector.
 */
export class JobRunner implements AsyncDisposable {
  readonly #options: JobRunnerOptions;
  /**
   * The built-in handler: it trains the clients, unless `makeHandler` is given, and runs the tests.
   */
  readonly #builtIn:
    | { readonly handler: ClientSGDHandler; readonly learner: LocalLearner }
    | undefined;

  private constructor(
    options: JobRunnerOptions,
    handler: ClientSGDHandler | undefined,
  ) {
    this.#options = options;
    this.#builtIn = handler && { handler, learner: new LocalLearner(handler) };
  }

  /** Creates a runner, and sets up the built-in handler where it is used. */
  static async create(options: JobRunnerOptions): Promise<JobRunner> {
    const { makeHandler, train, test, rowsOf, engine, backend } = options;
    const data = makeHandler ? test : train;
    if (!data) return new JobRunner(options, undefined);
    const rows = makeHandler ? undefined : rowsOf?.(1);
    const handler = new ClientSGDHandler({ data, engine, backend, ...(rows && { rows }) });
    await handler.setUp(options.model);
    return new JobRunner(options, handler);
  }

  /**
   * Does a job. A job that throws gives the outcome `failed`.
   *
   * @param input Input of the round; a `join` job needs none.
   * @param own The client's own vector.
   * @param signal Aborts the job: the promise rejects with its reason.
   */
  async run(
    job: ClientJob,
    input: RoundInput | undefined,
    own: ParameterVector | undefined,
    signal?: AbortSignal,
  ): Promise<JobOutcome> {
    try {
      if (job.kind === "join") return await this.#join(job.rank);
      if (!input) throw new Error("Cannot do the job: no parameters were published");
      if (job.kind === "test") return await this.#test(job.from, job.to, input, signal);
      await using client = await this.#loadClient(job.rank, input, own);
      const { learner } = client;
      if (job.kind === "evaluate") {
        return { kind: "evaluated", result: await learner.evaluate(signal) };
      }
      const { metrics, ...result } = await learner.train({ ...input.plan, rank: job.rank }, signal);
      const { update } = learner;
      if (update.length !== this.#options.length) {
        throw new Error(
          `Cannot take the update: expected ${this.#options.length} values, got ${update.length}`,
        );
      }
      // The program decides whether the update counts, and keeps the vector only then.
      learner.settle();
      return {
        kind: "trained",
        result: { ...result, metrics: finiteOf(metrics) },
        update,
        ...(learner.own && { own: learner.own }),
      };
    } catch (error) {
      signal?.throwIfAborted();
      return {
        kind: "failed",
        reason: errorMessage(error),
        stays: error instanceof CannotTrainError,
      };
    }
  }

  /** Frees the built-in handler. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#builtIn?.handler[Symbol.asyncDispose]();
  }

  async #join(rank: Rank): Promise<JobOutcome> {
    await using client = await this.#makeClient(rank);
    const { manifest, numSamples } = client.handler;
    const digest = await manifest.digest();
    if (digest !== this.#options.manifestDigest) {
      throw new Error(
        `expected a model with the server's manifest, got one of ${manifest.length} values in ${manifest.tensors.length} tensors`,
      );
    }
    if (!Number.isSafeInteger(numSamples) || numSamples < 1) {
      throw new RangeError(`expected a number of samples from 1, got ${numSamples}`);
    }
    return { kind: "joined", numSamples };
  }

  /** Makes the handler of a client, or gives the built-in one the client's data. */
  async #makeClient(rank: Rank): Promise<LoadedClient> {
    const { makeHandler, train, rowsOf, testRowsOf, model } = this.#options;
    const rows = rowsOf?.(rank), testRows = testRowsOf?.(rank);
    if (makeHandler) {
      const handler = await makeHandler({
        serverAddr: SIMULATION_ADDRESS,
        rank,
        ...(train && { data: train }),
        ...(rows && { rows }),
        ...(testRows && { testRows }),
      });
      const client = {
        handler,
        learner: new LocalLearner(handler),
        [Symbol.asyncDispose]: () => handler[Symbol.asyncDispose](),
      };
      try {
        await handler.setUp(model);
      } catch (error) {
        await client[Symbol.asyncDispose]();
        throw error;
      }
      return client;
    }
    if (!this.#builtIn || !train) throw new Error("Cannot train: the clients have no data");
    const { handler, learner } = this.#builtIn;
    handler.useData(train, rows, testRows);
    return { handler, learner, [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  /** Makes the client of a rank ready to train or evaluate from the published parameters. */
  async #loadClient(
    rank: Rank,
    { parameters, control, plan: { rule } }: RoundInput,
    own: ParameterVector | undefined,
  ): Promise<LoadedClient> {
    const client = await this.#makeClient(rank);
    try {
      client.learner.own = own?.slice();
      // A handler that is not the built-in one might keep the vector and train in it.
      client.learner.load(
        this.#options.makeHandler ? parameters.slice() : parameters,
        rule,
        control,
      );
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
    return client;
  }

  async #test(
    from: number,
    to: number,
    { parameters }: RoundInput,
    signal?: AbortSignal,
  ): Promise<JobOutcome> {
    const { test, counts: length } = this.#options;
    if (!test || !this.#builtIn) throw new Error("Cannot evaluate: there are no test data");
    const { handler } = this.#builtIn;
    handler.parameters = parameters;
    const options = { from, to, confusion: length > 0 };
    const { confusion, ...result } = await handler.evaluateOn(test, options, signal);
    if (!confusion) return { kind: "evaluated", result };
    const counts = new Uint32Array(length);
    confusion.forEach((row, label) => counts.set(row, label * (test.numClasses + 1)));
    return { kind: "evaluated", result, counts };
  }
}

/** Returns the metrics that are finite numbers: a client sends no others. */
function finiteOf(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
