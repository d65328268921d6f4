import { AT_LEAST_ONE, isInRange } from "../base/check.ts";
import { errorMessage } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Schema } from "../data/schema/schema.ts";
import { ClientSGDHandler } from "../engine/client_handler.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { finiteMetrics } from "../plan/results.ts";
import { type OwnSettings, withOwn } from "../plan/own_settings.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { ClientPrivacyChoice } from "../privacy/client/parse.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { ClientBackendHandler, ModelDescription } from "../train/handler.ts";
import { LocalLearner } from "../train/rules/learner.ts";
import type { BaseFile, ClientJob, JobOutcome, RoundInput } from "./client_pool.ts";
import type { MakeClientHandler } from "./define_client.ts";
import type { JobPrivacy } from "./job_privacy.ts";
import { setUp } from "./set_up.ts";

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
  /** Schema of the data, which the handlers are set up with. */
  readonly schema: Schema | undefined;
  /** Makes the handler of each job; `undefined` for the built-in handler. */
  readonly makeHandler: MakeClientHandler | undefined;
  readonly train: Dataset | undefined;
  readonly test: Dataset | undefined;
  readonly rowsOf: RowsOf | undefined;
  readonly testRowsOf: RowsOf | undefined;
  /** Settings of each client in place of those of the round's input. */
  readonly settings?: readonly OwnSettings[] | undefined;
  /** Privacy that each client gives its own data. */
  readonly privacy?: ClientPrivacyChoice | undefined;
  /** File of the pretrained base of the built-in handler. */
  readonly base?: BaseFile | undefined;
  readonly engine: EngineChoice;
  readonly backend: BackendChoice;
  /** Length of the counts of a `test` job. */
  readonly counts: number;
}

/** Job of one client's data. */
type LearningJob = ClientJob & { readonly kind: "train" | "evaluate" };

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

  /** Privacy of the client of the current job. */
  readonly #privacy: JobPrivacy | undefined;

  private constructor(
    options: JobRunnerOptions,
    handler: ClientSGDHandler | undefined,
    privacy?: JobPrivacy,
  ) {
    this.#options = options;
    this.#privacy = privacy;
    this.#builtIn = handler && { handler, learner: new LocalLearner(handler) };
  }

  /** Creates a runner, and sets up the built-in handler where it is used. */
  static async create(options: JobRunnerOptions): Promise<JobRunner> {
    const { makeHandler, train, test, rowsOf, engine, backend } = options;
    const data = makeHandler ? test : train;
    if (!data) return new JobRunner(options, undefined);
    const rows = makeHandler ? undefined : rowsOf?.(1);
    const privacy = options.privacy &&
      new (await import("./job_privacy.ts")).JobPrivacy(options.privacy);
    using base = options.base &&
      (await import("../encoder/encoder_base.ts")).EncoderBase.at(options.base);
    const handler = new ClientSGDHandler({
      ...{ data, engine, backend },
      ...(rows && { rows }),
      ...(privacy && { privacy }),
      ...(base && { base }),
    });
    await setUp(handler, options);
    return new JobRunner(options, handler, privacy);
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
      return this.#options.makeHandler
        ? await this.#runMade(job, input, own, signal)
        : await this.#work(job, input, own, this.#loadClient(job.rank), signal);
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
    await using handler = await this.#makeHandler(rank);
    await setUp(handler, this.#options);
    const { manifest, numSamples } = handler;
    const digest = await manifest.digest();
    if (digest !== this.#options.manifestDigest) {
      throw new Error(
        `expected a model with the server's manifest, got one of ${manifest.length} values in ${manifest.tensors.length} tensors`,
      );
    }
    if (!isInRange(numSamples, AT_LEAST_ONE)) {
      throw new RangeError(`expected a number of samples from 1, got ${numSamples}`);
    }
    return { kind: "joined", numSamples };
  }

  /** Gives the built-in handler the data of a client, and returns its learner. */
  #loadClient(rank: Rank): LocalLearner {
    const { train, rowsOf, testRowsOf } = this.#options;
    if (!this.#builtIn || !train) throw new Error("Cannot train: the clients have no data");
    const { handler, learner } = this.#builtIn;
    handler.useData(train, rowsOf?.(rank), testRowsOf?.(rank));
    return learner;
  }

  async #makeHandler(rank: Rank): Promise<ClientBackendHandler> {
    const { makeHandler, train, rowsOf, testRowsOf } = this.#options;
    if (!makeHandler) throw new Error("Cannot make a handler: the clients use the built-in one");
    const rows = rowsOf?.(rank), testRows = testRowsOf?.(rank);
    return await makeHandler({
      serverAddr: SIMULATION_ADDRESS,
      rank,
      ...(train && { data: train }),
      ...(rows && { rows }),
      ...(testRows && { testRows }),
    });
  }

  /** Does a job with a handler that is made for it. */
  async #runMade(
    job: LearningJob,
    input: RoundInput,
    own: ParameterVector | undefined,
    signal: AbortSignal | undefined,
  ): Promise<JobOutcome> {
    await using handler = await this.#makeHandler(job.rank);
    await setUp(handler, this.#options);
    // The handler might keep the vector and train in it, and might free its own when it is
    // disposed.
    const copied = { ...input, parameters: input.parameters.slice() };
    const outcome = await this.#work(job, copied, own, new LocalLearner(handler), signal);
    return outcome.kind === "trained" ? { ...outcome, update: outcome.update.slice() } : outcome;
  }

  /** Trains or evaluates from the published parameters. */
  async #work(
    job: LearningJob,
    { parameters, control, plan }: RoundInput,
    own: ParameterVector | undefined,
    learner: LocalLearner,
    signal: AbortSignal | undefined,
  ): Promise<JobOutcome> {
    learner.own = own?.slice();
    learner.load(parameters, plan.rule, control);
    if (job.kind === "evaluate") {
      const { confusion: _, metrics, ...result } = await learner.evaluate(signal);
      const further = metrics && finiteMetrics(metrics);
      return { kind: "evaluated", result: { ...result, ...(further && { metrics: further }) } };
    }
    this.#privacy?.begin({ round: plan.round, rank: job.rank });
    const result = await learner.train(
      withOwn({ ...plan, rank: job.rank }, this.#options.settings?.[job.rank - 1]),
      signal,
    );
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
      result: this.#privacy
        // As a client that keeps its data private tells them.
        ? { numSamples: 1, steps: 0, loss: NaN, metrics: {} }
        : { ...result, metrics: finiteMetrics(result.metrics) },
      update,
      ...(learner.own && { own: learner.own }),
    };
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
    // Metrics are derived from the sums of all jobs.
    const options = { from, to, confusion: length > 0, metrics: "sums" } as const;
    const { confusion, ...result } = await handler.evaluateOn(test, options, signal);
    if (!confusion) return { kind: "evaluated", result };
    const counts = new Uint32Array(length);
    confusion.forEach((row, label) => counts.set(row, label * (test.numClasses + 1)));
    return { kind: "evaluated", result, counts };
  }
}
