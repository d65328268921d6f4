/**
 * The handler of a synchronous server.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import { checkedSeed } from "../base/seed.ts";
import type { BufferPool } from "../params/buffer_pool.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { EvaluateResult } from "../plan/results.ts";
import type { TrainSettings } from "../plan/settings.ts";
import { FedAvg } from "../strategy/averaging/fedavg.ts";
import type { Spans, Strategy, StrategyRound } from "../strategy/strategy.ts";
import { untrainedSpans } from "../strategy/untrained.ts";
import type { ModelDescription } from "../train/handler.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import { checkFinite } from "./finite.ts";
import { clientUpdateOf, GlobalModel, planOf } from "./global_model.ts";
import {
  DEFAULT_UPDATE_BOUND,
  type HandlerState,
  type OutOfBounds,
  ParameterServerBackendHandler,
  type ServerHandlerOptions,
  type UpdateFigures,
} from "./handler.ts";
import { KnownClients } from "./known_clients.ts";
import type { ClientSelection, KnownClient } from "./selection/selection.ts";
import { UniformSelection } from "./selection/uniform.ts";
import { checkedUpdateBound, outOfBounds, workOf } from "./update_bound.ts";

/** Of a round of fewer updates, the changes are held against those of other clients' last ones as well. */
const FEW_UPDATES = 3;

/** What a {@linkcode SyncParameterServerHandler} is made of. */
export interface SyncParameterServerHandlerOptions extends ServerHandlerOptions {
  /** The aggregation algorithm. Default `new FedAvg()`. */
  strategy?: Strategy;
  /** Share C of the clients that a round takes: `max(1, round(C·N))` of them. Above 0, at most 1. Default 1. */
  fraction?: number;
  /**
   * Chooses a cohort larger by this share than the updates that are wanted, and ends the round with the first of them: 0.2 chooses 12 and keeps the first
   * 10. The result then depends on who is first. Default 0.
   */
  overSelection?: number;
  /** Which clients a round takes. Default `new UniformSelection()`. */
  selection?: ClientSelection;
}

/**
 * The handler of a synchronous server: one strategy over one global vector.
 *
 * Its memory is `(2 + strategy.workingVectors + stagingBuffers) × model`, whatever the number of
 * clients, and a copy of what the strategy keeps; a strategy that has to see all of a round's
 * updates at once keeps copies of them besides.
 *
 * @example A round by hand, as a topology calls it
 * ```ts
 * import { FedAvg, Manifest, SyncParameterServerHandler } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = new SyncParameterServerHandler({
 *   manifest: Manifest.of([{ name: "w", shape: [2] }]),
 *   parameters: new Float32Array([0, 0]),
 *   strategy: new FedAvg(),
 *   fraction: 0.5,
 * });
 * const cohort = handler.selectClients(1, [1, 2, 3, 4], 4);
 * assertEquals(cohort.length, 2);
 * handler.beginRound(1, 4);
 * for (const rank of cohort) {
 *   const update = { round: 1, numSamples: 10, parameters: new Float32Array([1, 3]) };
 *   handler.check(rank, update);
 *   handler.onReceive(rank, update);
 * }
 * handler.updateModel();
 * assertEquals([...handler.parameters], [1, 3]);
 * ```
 */
export class SyncParameterServerHandler extends ParameterServerBackendHandler {
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
  /** The aggregation algorithm. */
  readonly strategy: Strategy;
  /** Share of the clients that a round takes. */
  readonly fraction: number;
  /** Share by which a cohort is larger than the updates that are wanted. */
  readonly overSelection: number;
  /** Which clients a round takes. */
  readonly selection: ClientSelection;
  /** How many times the median change of its cohort an update's change may be. */
  readonly updateBound: number;
  readonly #known = new KnownClients();
  /** Norms of the changes that were checked in this round. */
  readonly #norms = new Map<Rank, number>();
  readonly #model: GlobalModel;
  /** Where the vector holds what no gradient trains. */
  readonly #untrained: Spans;
  #round: StrategyRound | undefined;
  #number = 0;

  /** Throws a `RangeError` for a vector that does not fit the manifest or is not finite, an option out of range, or a plan that the strategy does not go with. */
  constructor(options: SyncParameterServerHandlerOptions) {
    super();
    const { manifest, parameters, fraction = 1, overSelection = 0, seed = 0, evaluator } = options;
    if (!(fraction > 0 && fraction <= 1)) {
      throw new RangeError(
        `Cannot make a server: expected a fraction above 0 and at most 1, got ${fraction}`,
      );
    }
    if (!(overSelection >= 0 && Number.isFinite(overSelection))) {
      throw new RangeError(
        `Cannot make a server: expected an over-selection of at least 0, got ${overSelection}`,
      );
    }
    this.manifest = manifest;
    this.model = options.model;
    this.strategy = options.strategy ?? new FedAvg();
    this.plan = planOf(options.plan ?? {}, this.strategy, manifest);
    this.strategy.checkPlan?.(this.plan);
    this.fraction = fraction;
    this.overSelection = overSelection;
    this.selection = options.selection ?? new UniformSelection();
    this.updateBound = checkedUpdateBound(options.updateBound ?? DEFAULT_UPDATE_BOUND);
    this.seed = checkedSeed(seed);
    this.#model = new GlobalModel({
      manifest,
      parameters,
      workingVectors: this.strategy.workingVectors,
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

  /** The strategy's. */
  override get control(): ParameterVector | undefined {
    return this.strategy.control;
  }

  /** The global vector itself; setting copies finite values of the manifest's length in, or throws a `RangeError`. */
  override get parameters(): ParameterVector {
    return this.#model.vector;
  }

  override set parameters(vector: ParameterVector) {
    this.#model.set(vector);
  }

  /** What has been learnt of each client by now, in rank order: what the selection chooses by. */
  get known(): ReadonlyMap<Rank, KnownClient> {
    return this.#known.all;
  }

  /** The strategy's. */
  override get fewestUpdates(): number {
    return this.strategy.fewestUpdates ?? 1;
  }

  /** `max(1, round(fraction * numClients))`. */
  override updatesWanted(numClients: number): number {
    return Math.max(1, Math.round(this.fraction * numClients));
  }

  /**
   * Has the selection choose as many of the ranks as updates are wanted, and `overSelection` of that more, or all when there are fewer; keyed by
   * seed, round and attempt.
   *
   * Throws a `RangeError` when the selection chooses none, too many, one twice, or one that is not there.
   */
  override selectClients(
    round: number,
    available: readonly Rank[],
    numClients: number,
    attempt = 0,
  ): Rank[] {
    const updates = this.updatesWanted(numClients);
    // Less what a product of floating-point numbers may be too large.
    const wanted = updates + Math.ceil(updates * this.overSelection - 1e-9);
    const order = [...available].sort((a, b) => a - b);
    const count = Math.min(order.length, wanted);
    const { seed, known, selection } = this;
    const context = { round, attempt, available: order, count, numClients, seed, known };
    const cohort = [...selection.select(context)].sort((a, b) => a - b);
    const chosen = new Set(cohort).intersection(new Set(order)).size;
    if (cohort.length === 0 || cohort.length > count || chosen < cohort.length) {
      throw new RangeError(
        `Cannot begin round ${round}: expected ${selection.name} to choose 1 to ${count} different ranks that are there, got ${
          cohort.join(", ") || "none"
        }`,
      );
    }
    return cohort;
  }

  /** Remembers the number of samples. */
  override onJoin(rank: Rank, numSamples: number): void {
    this.#known.joined(rank, numSamples);
  }

  /** Remembers that the client did not answer, or was refused. */
  override onDrop(rank: Rank, round: number, isRefused = false): void {
    this.#known.dropped(rank, round, isRefused);
  }

  /**
   * Clients that were refused, or have not answered twice in a row: for 1 round, and for twice as
   * many with each further time, up to 64.
   */
  override paused(round: number): readonly Rank[] {
    return this.#known.paused(round);
  }

  /**
   * The updates whose change is larger than `updateBound` times the cohort's median; a strategy
   * that is robust by itself bears them.
   */
  override outOfBounds(updates: ReadonlyMap<Rank, UpdateFigures>): OutOfBounds | undefined {
    const { strategy: { isRobust: isBorne = false }, updateBound } = this;
    if (updateBound === Infinity) return undefined;
    const others = updates.size < FEW_UPDATES ? this.#known.lastUpdates(updates) : [];
    const limits = { bound: updateBound, floor: this.#model.harmlessNorm };
    const found = outOfBounds(updates, limits, others);
    return { updates: found, isBorne };
  }

  /**
   * The global vector and what the strategy keeps are as they were when the round was begun. Gives
   * true.
   */
  override revertModel(): boolean {
    this.#round = undefined;
    this.#model.revert(this.strategy);
    return true;
  }

  /** Opens a round of the strategy. */
  override beginRound(round: number, numClients: number): void {
    const { plan } = this;
    this.#norms.clear();
    this.#model.noteState(this.strategy);
    this.#model.noteVector();
    this.#number = round;
    this.#round = this.strategy.begin(this.parameters, {
      round,
      numClients,
      plan,
      untrained: this.#untrained,
    });
  }

  /**
   * Gives the norm of the change. Throws a `ProtocolError` "shape-mismatch", "invalid-field" or
   * "non-finite".
   */
  override check(sender: Rank, payload: ParameterUpdatePayload): number {
    const norm = this.#model.check(sender, payload, this.strategy, this);
    this.#norms.set(sender, norm);
    return norm;
  }

  /** Folds a checked update into the strategy's round, and remembers its loss. */
  override onReceive(sender: Rank, payload: ParameterUpdatePayload): void {
    if (this.#round === undefined) throw new Error("Cannot take an update: no round is open");
    this.#round.accept(clientUpdateOf(sender, payload));
    const { round, numSamples, loss } = payload;
    const norm = this.#norms.get(sender);
    const work = norm === undefined ? undefined : workOf(payload);
    this.#known.answered(sender, { round, numSamples, loss, norm, work });
  }

  /** What the strategy keeps, and what is known of the clients. */
  override saveState(): HandlerState {
    return { ...this.strategy.save?.(), clients: this.#known.save() };
  }

  /** Takes up what {@linkcode saveState} gave; a `TypeError` when it is not that. */
  override restoreState({ clients, ...state }: HandlerState): void {
    if (state.json !== undefined || state.vectors !== undefined) this.strategy.restore?.(state);
    if (clients !== undefined) this.#known.restore(clients);
  }

  /**
   * Copies the strategy's result into the global vector.
   *
   * Throws a `RangeError` when the result is no vector of the global one's length, and an `Error` when it, or a vector that the strategy sends or keeps, is not
   * finite. The global vector stays as it was; the strategy is of use again after `revertModel`.
   */
  override updateModel(): void {
    const round = this.#round;
    if (!round) return;
    this.#round = undefined;
    const next = round.finish();
    if (next === this.parameters) return;
    // A strategy of one's own may be plain JavaScript, and give nothing.
    if (!(next instanceof Float32Array) || next.length !== this.parameters.length) {
      throw new RangeError(
        `Cannot end round ${this.#number}: expected ${this.parameters.length} values of ${this.strategy.name}, got ${
          (next as ParameterVector | undefined)?.length ?? "none"
        }`,
      );
    }
    checkFinite(`Cannot end round ${this.#number}`, next, this.strategy);
    this.parameters.set(next);
  }
}
