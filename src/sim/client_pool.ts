/**
 * Pool that does the jobs of a simulation's clients.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import type { Dataset } from "../data/dataset.ts";
import type { BaseSource } from "../encoder/encoder_base.ts";
import type { Schema } from "../data/schema/schema.ts";
import type { KernelBuild } from "../params/kernels.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { OwnSettings } from "../plan/own_settings.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { SumTerms } from "../round/handler/summed_updates.ts";
import type { ExactSums } from "../strategy/sums/exact_sums.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { ClientPrivacyChoice } from "../privacy/client/parse.ts";
import type { MakeClientHandler } from "./define_client.ts";
import type { EvaluateResult, TrainResult } from "../plan/results.ts";
import type { ModelDescription } from "../train/handler.ts";

/** Job of a simulation. */
export type ClientJob =
  /** Makes a client's handler and compares its manifest. Not asked for the built-in handler. */
  | { readonly kind: "join"; readonly rank: Rank }
  /** Trains a client, from the parameters that were published. */
  | { readonly kind: "train"; readonly round: number; readonly rank: Rank }
  /** Evaluates the parameters that a client uses, on the client's own data. */
  | { readonly kind: "evaluate"; readonly round: number; readonly rank: Rank }
  /** Evaluates the published parameters on rows `from` to before `to` of the test data. */
  | { readonly kind: "test"; readonly from: number; readonly to: number };

/** Outcome of a job. Its vectors are views, valid during the call of `take` that gets it. */
export type JobOutcome =
  /** Outcome of `join`. */
  | { readonly kind: "joined"; readonly numSamples: number }
  /** Outcome of `train`. */
  | {
    readonly kind: "trained";
    readonly result: TrainResult;
    /** The client's update: its parameters, or its gradient by the rule `gradient`. */
    readonly update: ParameterVector;
    /** Vector that the client keeps for its next round, where the rule has one. */
    readonly own?: ParameterVector;
  }
  /** Outcome of `train` whose update is in a sum, which the pool passes to `sums.merge`. */
  | {
    readonly kind: "summed";
    readonly result: TrainResult;
    /** L2 norm of the update's change from the published parameters, or of a gradient. */
    readonly norm: number;
    /** Vector that the client keeps for its next round, where the rule has one. */
    readonly own?: ParameterVector;
  }
  /** Outcome of `evaluate` and `test`. */
  | {
    readonly kind: "evaluated";
    readonly result: EvaluateResult;
    /** Confusion matrix of a `test` job, row by row, of the length that the pool was asked for. */
    readonly counts?: Uint32Array;
  }
  /** Outcome of any job that failed. */
  | {
    readonly kind: "failed";
    /** The reason, one line. */
    readonly reason: string;
    /** The client stays for the next round, because it failed by a `CannotTrainError`. */
    readonly stays: boolean;
  };

/** Input that all clients of a round read. */
export interface RoundInput {
  /** Settings of the training, the round and the seed. */
  readonly plan: Omit<TrainPlan, "rank">;
  /** The global parameters. */
  readonly parameters: ParameterVector;
  /** The server's second vector, where the rule has one. */
  readonly control?: ParameterVector;
}

/** Callbacks and signal of {@linkcode ClientPool.run}. */
export interface JobOptions<Job extends ClientJob> {
  /**
   * Returns the vector that the client of a job has kept, a view that is valid until the next call.
   */
  readonly own?: (job: Job) => ParameterVector | undefined;
  /** Receives the outcome of each job, in the order of the jobs. */
  readonly take: (job: Job, outcome: JobOutcome) => void;
  /**
   * Lets the pool add updates up by the `sums` of its options, and give outcomes of the kind
   * `summed`. A pool need not.
   */
  readonly sums?: SumOptions<Job> | undefined;
  /** Aborts the jobs. */
  readonly signal?: AbortSignal | undefined;
}

/** Callbacks about updates that a pool has added up. */
export interface SumOptions<Job extends ClientJob> {
  /**
   * Checks the figures of an update before its sum is used.
   *
   * @throws {Error} If they cannot be used. The pool refuses the sum, and does its jobs again.
   */
  readonly check: (job: Job, outcome: JobOutcome & { readonly kind: "summed" }) => void;
  /**
   * Receives the sum of some updates, once `take` has had their outcomes; valid during the call.
   */
  readonly merge: (part: ExactSums) => void;
}

/** Terms by which a pool may add updates up. */
export interface PoolSums extends SumTerms {
  /** Number of clients of the simulation. */
  readonly numClients: number;
}

/**
 * Pool that does the jobs of a simulation's clients. Each job depends on the published input, the
 * client's own vector and the job alone, so a job may be done anywhere, and done again.
 *
 * `testClientPool` of `@fedlab/core/testing` tests what every pool does.
 */
export interface ClientPool extends AsyncDisposable {
  /**
   * Gives all jobs that follow the input of a round. The vectors may be overwritten once the
   * promise has resolved. Called while no job runs.
   */
  publish(input: RoundInput): Promise<void> | void;
  /**
   * Does jobs and hands over their outcomes in the order of the jobs. A job that throws has the
   * outcome `failed`.
   *
   * Rejects with the signal's reason, with what `take` throws, and with an error when the pool
   * itself fails. The pool is not used again then.
   */
  run<Job extends ClientJob>(jobs: readonly Job[], options: JobOptions<Job>): Promise<void>;
}

/** File of a pretrained base: a path, or addresses that the program allows. */
export type BaseFile = Pick<BaseSource, "path" | "url" | "hosts" | "cache">;

/** Description of a simulation for its pool. */
export interface ClientPoolOptions {
  /** Number of threads that do jobs, at least 1. */
  readonly workers: number;
  /**
   * Keeps the program's own thread free for other things: all threads are workers.
   *
   * @default {false}
   */
  readonly isApart?: boolean;
  /**
   * Permissions of the workers that run the module of a handler. Deno takes them only with its flag
   * `--unstable-worker-options`.
   *
   * @default {undefined} Those of the program.
   */
  readonly permissions?: Deno.PermissionOptionsObject | undefined;
  /** Manifest of the parameter vectors. */
  readonly manifest: Manifest;
  /** Clients keep a vector from round to round. */
  readonly keepsOwn: boolean;
  /** The server publishes a second vector. */
  readonly hasControl: boolean;
  /** Length of the counts of a `test` job, 0 for none. */
  readonly counts: number;
  /** The server's description of the model. */
  readonly model: ModelDescription | undefined;
  /** Schema of the data, which each handler is set up with. Default: none. */
  readonly schema?: Schema | undefined;
  /**
   * Absolute URL of a module with `defineClient()`, or the function that makes the handler of a
   * client; `undefined` for `ClientSGDHandler`.
   */
  readonly handler: URL | MakeClientHandler | undefined;
  /** Data of the clients. */
  readonly train: Dataset | undefined;
  /** Data of the `test` jobs. */
  readonly test: Dataset | undefined;
  /** Rows of each client. */
  readonly parts: readonly ArrayLike<number>[] | undefined;
  /** Rows that each client evaluates on, where they are not those it trains on. */
  readonly testParts: readonly ArrayLike<number>[] | undefined;
  /** Settings of each client in place of those of the round's input. */
  readonly settings?: readonly OwnSettings[] | undefined;
  /** Privacy that each client gives its own data. */
  readonly privacy?: ClientPrivacyChoice | undefined;
  /** File of the pretrained base, which each thread reads. Default: none. */
  readonly base?: BaseFile | undefined;
  /** Terms by which the pool may add updates up, for a run whose sums are exact. */
  readonly sums?: PoolSums | undefined;
  /** Engine of the built-in handler. */
  readonly engine: EngineChoice;
  /** Backend of tfjs. */
  readonly backend: BackendChoice;
  /** Build of the kernels that the server uses. */
  readonly build: KernelBuild;
}

/** Starts a pool: the option `pool` of a simulation. */
export type StartClientPool = (options: ClientPoolOptions) => ClientPool | Promise<ClientPool>;
