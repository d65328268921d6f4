/**
 * What owns the global model on an asynchronous server.
 *
 * @module
 */

import { ProtocolError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import type { Rank } from "../base/rank.ts";
import { checkedSeed } from "../base/seed.ts";
import type { BufferPool } from "../params/buffer_pool.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { EvaluateResult } from "../plan/results.ts";
import type { TrainSettings } from "../plan/settings.ts";
import type { AsyncStrategy } from "../strategy/asynchronous/async_strategy.ts";
import { FedAsync } from "../strategy/asynchronous/fedasync.ts";
import type { Spans } from "../strategy/strategy.ts";
import { untrainedSpans } from "../strategy/untrained.ts";
import type { ModelDescription } from "../train/handler.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import { checkFinite } from "./finite.ts";
import { clientUpdateOf, GlobalModel, planOf } from "./global_model.ts";
import {
  DEFAULT_UPDATE_BOUND,
  type HandlerState,
  ServerBackendHandler,
  type ServerHandlerOptions,
} from "./handler.ts";
import {
  boundText,
  checkedUpdateBound,
  figuresOfUpdate,
  limitOf,
  lowerMedian,
  type UpdateFigures,
  workOf,
} from "./update_bound.ts";

/** Number of clients whose last changes another one is held against: at most, and before it is held against them at all. */
const MOST_RECENT = 32;
const FEWEST_RECENT = 3;

/** What an {@linkcode AsyncParameterServerHandler} is made of. */
export interface AsyncParameterServerHandlerOptions extends ServerHandlerOptions {
  /** The algorithm. Default `new FedAsync()`. */
  strategy?: AsyncStrategy;
}

/** Where an update comes from, in time. */
export interface UpdateOrigin {
  /** What its client began with, as long as the global vector. */
  readonly base: ParameterVector;
  /** Number of versions that were made since. */
  readonly staleness: number;
}

/**
 * The handler of an asynchronous server: one strategy over one global vector.
 *
 * Its memory is `(2 + strategy.workingVectors + stagingBuffers) × model`; its topology keeps the versions besides that clients are training from.
 */
export class AsyncParameterServerHandler extends ServerBackendHandler {
  /** What the parameter vector holds. */
  override readonly manifest: Manifest;
  /** The model's description for the clients, if the server has one. */
  override readonly model: ModelDescription | undefined;
  /** The run's seed. */
  override readonly seed: number;
  /** Settings of the clients' training. */
  override readonly plan: TrainSettings;
  /** Where updates are read to; its buffers lie in the arena of the global vector. */
  override readonly staging: BufferPool;
  /** Build of the kernels: `"simd128"` or `"relaxed-simd"`. */
  override readonly kernels: string;
  /** Evaluates the global vector by the `evaluator` of the options. */
  override readonly evaluate: ((signal?: AbortSignal) => Promise<EvaluateResult>) | undefined;
  /** The algorithm. */
  readonly strategy: AsyncStrategy;
  /** How many times the median change of late an update's change may be. */
  readonly updateBound: number;
  readonly #model: GlobalModel;
  /** Norm and work of the last update of each client that was taken in, the newest last. */
  readonly #last = new Map<Rank, UpdateFigures>();
  /** Where the vector holds what no gradient trains. */
  readonly #untrained: Spans;
  /** Whether nothing has gone into the version that is being made. */
  #isFresh = true;

  /** Throws a `RangeError` for a vector that does not fit the manifest or is not finite, or an option out of range. */
  constructor(options: AsyncParameterServerHandlerOptions) {
    super();
    const { manifest, parameters, seed = 0, evaluator, strategy = new FedAsync() } = options;
    this.manifest = manifest;
    this.model = options.model;
    this.strategy = strategy;
    this.plan = planOf(options.plan ?? {}, strategy, manifest);
    this.updateBound = checkedUpdateBound(options.updateBound ?? DEFAULT_UPDATE_BOUND);
    this.seed = checkedSeed(seed);
    this.#model = new GlobalModel({
      manifest,
      parameters,
      workingVectors: strategy.workingVectors,
      stagingBuffers: options.stagingBuffers,
    });
    this.#untrained = untrainedSpans(manifest);
    this.kernels = this.#model.kernels;
    this.staging = this.#model.staging;
    this.evaluate = evaluator && ((signal) => evaluator(this.parameters, signal));
  }

  /** Name of the strategy. */
  override get strategyName(): string {
    return this.strategy.name;
  }

  /** The global vector itself; setting copies finite values of the manifest's length in, or throws a `RangeError`. */
  override get parameters(): ParameterVector {
    return this.#model.vector;
  }

  override set parameters(vector: ParameterVector) {
    this.#model.set(vector);
  }

  /**
   * Draws who may train among those that wait, `most` of them at most, in the order in which they are drawn; keyed by the seed and the number of the draw,
   * from 1.
   */
  selectClients(draw: number, waiting: readonly Rank[], most: number): Rank[] {
    const order = [...waiting].sort((a, b) => a - b);
    return new Random(this.seed, "cohort", { round: draw })
      .sample(order, Math.min(order.length, most));
  }

  /**
   * Gives the norm of the way from what its client began with to the update: `base`, by default the
   * global vector. Throws a `ProtocolError` "shape-mismatch", "invalid-field", "non-finite" or
   * "out-of-bounds", the last where it is larger than `updateBound` times the median of the clients'
   * last ones, and larger than the model with which the run began.
   */
  override check(
    sender: Rank,
    payload: ParameterUpdatePayload,
    { base }: Partial<UpdateOrigin> = {},
  ): number {
    const { plan, strategy, updateBound } = this;
    const norm = this.#model.check(sender, payload, strategy, { plan, ...(base && { base }) });
    const recent = this.#last.size < FEWEST_RECENT ? [] : [...this.#last.values()];
    const median = lowerMedian(recent.map(({ norm }) => norm));
    if (updateBound === Infinity || norm <= updateBound * median) return norm;
    const limitFor = limitOf(recent, { bound: updateBound, floor: this.#model.harmlessNorm });
    const limit = limitFor(figuresOfUpdate(norm, payload));
    if (norm <= limit) return norm;
    throw new ProtocolError(
      "out-of-bounds",
      `Cannot take the update of rank ${sender}: ${boundText(norm, limit)}`,
    );
  }

  /**
   * Takes in an update that has been checked; gives whether the global vector is a new version now.
   *
   * Throws an `Error` when that version, or a vector that the strategy keeps, is not finite; the
   * global vector and what the strategy keeps are then as they were before that version.
   */
  onReceive(sender: Rank, payload: ParameterUpdatePayload, origin: UpdateOrigin): boolean {
    const { parameters, strategy } = this;
    if (this.#isFresh) {
      this.#model.noteState(strategy);
      this.#model.noteVector();
      this.#isFresh = false;
    }
    const update = { ...clientUpdateOf(sender, payload), ...origin, untrained: this.#untrained };
    const isNew = strategy.accept(parameters, update);
    if (!isNew) return false;
    try {
      checkFinite(`Cannot make a version of update ${payload.round}`, parameters, strategy);
    } catch (error) {
      this.revertModel();
      throw error;
    }
    this.#isFresh = true;
    return true;
  }

  /** An update of a client whose change has that norm has gone into the model: others are held against it. */
  noteUpdate(sender: Rank, norm: number, payload: ParameterUpdatePayload): void {
    // Each client counts once, however many updates it sends; of what it says no more is kept than its work.
    this.#last.delete(sender);
    this.#last.set(sender, { norm, claims: { steps: workOf(payload) } });
    const [oldest] = this.#last.keys();
    if (this.#last.size > MOST_RECENT && oldest !== undefined) this.#last.delete(oldest);
  }

  /**
   * The global vector and what the strategy keeps are as they were before the version that was made
   * last, or that is being made.
   */
  revertModel(): void {
    this.#model.revert(this.strategy);
    this.#isFresh = true;
  }

  /** What the strategy keeps, and what updates are held against. */
  override saveState(): HandlerState {
    const recent = [...this.#last].map(([rank, last]) => [rank, last.norm, workOf(last.claims)]);
    return { ...this.strategy.save?.(), clients: { recent } };
  }

  /** Takes up what {@linkcode saveState} gave; a `TypeError` when it is not that. */
  override restoreState({ clients, ...state }: HandlerState): void {
    if (state.json !== undefined || state.vectors !== undefined) this.strategy.restore?.(state);
    // Older checkpoints have none.
    if (clients === undefined) return;
    const { recent } = Object(clients) as { readonly recent?: unknown };
    const isFigure = (value: unknown) => Number.isFinite(value) && Number(value) >= 0;
    const isEntry = (entry: unknown): entry is [rank: Rank, norm: number, work: number] =>
      Array.isArray(entry) && entry.length === 3 && entry.every(isFigure);
    if (!Array.isArray(recent) || !recent.every(isEntry)) {
      throw new TypeError(
        "Cannot resume from the checkpoint: expected the norms of the last updates, got something else",
      );
    }
    this.#last.clear();
    for (const [rank, norm, steps] of recent.slice(-MOST_RECENT)) {
      this.#last.set(rank, { norm, claims: { steps } });
    }
  }
}
