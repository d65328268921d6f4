/**
 * Handler of a synchronous server that applies a strategy.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { BufferPool } from "../../params/buffer_pool.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { FedAvg } from "../../strategy/averaging/fedavg.ts";
import type { Strategy, StrategyRound } from "../../strategy/strategy.ts";
import type { ModelDescription } from "../../train/handler.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { type ClientSelection, type KnownClient, selectCohort } from "../selection/selection.ts";
import { UniformSelection } from "../selection/uniform.ts";
import { GlobalModel, toClientUpdate } from "./global_model.ts";
import { KnownClients } from "./known_clients.ts";
import type { SyncParameterServerHandlerOptions } from "./options.ts";
import { checkResult } from "./result_check.ts";
import type { HandlerState } from "./server_backend_handler.ts";
import { type OutOfBounds, SyncServerBackendHandler } from "./sync_server_backend_handler.ts";
import { claimedWork, outOfBounds, type UpdateFigures } from "./update_bound.ts";

/** Rounds of fewer updates are also compared with the last changes of other clients. */
const FEW_UPDATES = 3;

/**
 * Handler of a synchronous server: applies one strategy to one global vector.
 *
 * Its memory is `(2 + strategy.workingVectors + stagingBuffers) × model`, whatever the number of
 * clients, and a copy of the strategy's state. A strategy that has to see all of a round's updates
 * at once keeps copies of them besides.
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
export class SyncParameterServerHandler extends SyncServerBackendHandler {
  /** Names and shapes of the tensors in the parameter vector. */
  override readonly manifest: Manifest;
  /** The model's description for the clients, if the server has one. */
  override readonly model: ModelDescription | undefined;
  /** The run's seed. */
  override readonly seed: number;
  /** Settings of the clients' training. */
  override readonly plan: TrainSettings;
  /** Buffers that updates are read into, in the arena of the global vector. */
  override readonly staging: BufferPool;
  /** Build of the kernels: `"simd128"` or `"relaxed-simd"`. */
  override readonly kernels: string;
  /** Evaluates the global vector by the `evaluator` of the options. */
  override readonly evaluate: ((signal?: AbortSignal) => Promise<EvaluateResult>) | undefined;
  /** The aggregation algorithm. */
  readonly strategy: Strategy;
  /** Share of the clients that a round wants updates of. */
  readonly fraction: number;
  /** Share by which a cohort exceeds the number of wanted updates. */
  readonly overSelection: number;
  /** Policy that selects the cohorts. */
  readonly selection: ClientSelection;
  /** Limit of an update's change, as a multiple of the median of its cohort's changes. */
  readonly updateBound: number;
  readonly #known = new KnownClients();
  /** Norms of the changes checked in this round. */
  readonly #norms = new Map<Rank, number>();
  readonly #model: GlobalModel;
  #round: StrategyRound | undefined;
  #number = 0;

  /**
   * Makes a handler from its options.
   *
   * @throws {RangeError} If the vector does not fit the manifest or is not finite, an option is out
   * of range, or the plan does not suit the strategy.
   */
  constructor(options: SyncParameterServerHandlerOptions) {
    super();
    const { fraction = 1, overSelection = 0 } = options;
    const strategy: Strategy = options.strategy ?? new FedAvg();
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
    const model = this.#model = new GlobalModel(options, strategy);
    this.manifest = options.manifest;
    this.model = options.model;
    this.strategy = strategy;
    if (overSelection > 0 && strategy.needsHonestMajority) {
      throw new RangeError(
        `Cannot make a server: ${strategy.name} withstands few hostile clients among all that are chosen, and over-selection takes the first updates alone, got an over-selection of ${overSelection}`,
      );
    }
    this.plan = model.plan;
    this.fraction = fraction;
    this.overSelection = overSelection;
    this.selection = options.selection ?? new UniformSelection();
    this.updateBound = model.updateBound;
    this.seed = model.seed;
    this.kernels = model.kernels;
    this.staging = model.staging;
    this.evaluate = model.evaluate;
  }

  /** Name of the strategy. */
  override get strategyName(): string {
    return this.strategy.name;
  }

  /** The vector that the strategy sends beside the parameters. */
  override get control(): ParameterVector | undefined {
    return this.strategy.control;
  }

  /** The global vector itself. Setting it copies finite values of the manifest's length. */
  override get parameters(): ParameterVector {
    return this.#model.vector;
  }

  override set parameters(vector: ParameterVector) {
    this.#model.set(vector);
  }

  /** Knowledge about each client, in rank order: the input of the selection. */
  get known(): ReadonlyMap<Rank, KnownClient> {
    return this.#known.all;
  }

  /** Minimum number of updates that the strategy needs in a round. */
  override get fewestUpdates(): number {
    return this.strategy.fewestUpdates ?? 1;
  }

  /** Returns `max(1, round(fraction * numClients))`. */
  override updatesWanted(numClients: number): number {
    return Math.max(1, Math.round(this.fraction * numClients));
  }

  /**
   * Selects a cohort by the policy: as many ranks as updates are wanted, and the share
   * `overSelection` more. Random policies depend on the seed, the round and the attempt.
   *
   * @throws {RangeError} If the policy selects no rank, too many, one twice, or one that is not
   * available.
   */
  override selectClients(
    round: number,
    available: readonly Rank[],
    numClients: number,
    attempt = 0,
  ): Rank[] {
    const updates = this.updatesWanted(numClients);
    // A product of floating-point numbers may be slightly too large.
    const wanted = updates + Math.ceil(updates * this.overSelection - 1e-9);
    const order = [...available].sort((a, b) => a - b);
    const count = Math.min(order.length, wanted);
    const { seed, known, selection } = this;
    const context = { round, attempt, available: order, count, numClients, seed, known };
    return selectCohort(selection, context);
  }

  /** Notes the client's number of samples. */
  override onJoin(rank: Rank, numSamples: number): void {
    this.#known.addJoin(rank, numSamples);
  }

  /** Notes that the client did not answer, or was refused. */
  override onDrop(rank: Rank, round: number, isRefused = false): void {
    this.#known.addMiss(rank, round, isRefused);
  }

  /**
   * Returns the clients that were refused, or missed twice in a row. They pause for 1 round, and
   * for twice as many with each further miss, up to 64.
   */
  override paused(round: number): readonly Rank[] {
    return this.#known.paused(round);
  }

  /**
   * Returns the updates whose change exceeds `updateBound` times the cohort's median. A robust
   * strategy tolerates them.
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
   * Restores the global vector and the strategy's state to what they were when the round began.
   *
   * @returns `true`.
   */
  override revertModel(): boolean {
    this.#round = undefined;
    this.#model.revert();
    return true;
  }

  /** Begins a round of the strategy. */
  override beginRound(round: number, numClients: number): void {
    const { plan, untrained } = this.#model;
    this.#norms.clear();
    this.#model.snapshot();
    this.#number = round;
    const info = { round, numClients, plan, untrained };
    this.#round = this.strategy.begin(this.parameters, info);
  }

  /**
   * Checks an update.
   *
   * @returns The L2 norm of the change.
   * @throws {ProtocolError} "shape-mismatch", "invalid-field", "non-finite" or "out-of-bounds".
   */
  override check(sender: Rank, payload: ParameterUpdatePayload): number {
    const norm = this.#model.check(sender, payload);
    this.#norms.set(sender, norm);
    return norm;
  }

  /** Passes an update to the strategy's round, and notes its figures. */
  override onReceive(sender: Rank, payload: ParameterUpdatePayload): void {
    if (this.#round === undefined) throw new Error("Cannot take an update: no round is open");
    this.#round.accept(toClientUpdate(sender, payload));
    const { round, numSamples, loss } = payload;
    const norm = this.#norms.get(sender);
    const work = norm === undefined ? undefined : claimedWork(payload);
    this.#known.addUpdate(sender, { round, numSamples, loss, norm, work });
  }

  /** Returns the strategy's state and the knowledge about the clients. */
  override saveState(): HandlerState {
    return { ...this.strategy.save?.(), clients: this.#known.save() };
  }

  /**
   * Restores the state that {@linkcode saveState} returned.
   *
   * @throws {TypeError} If it is not such a state.
   */
  override restoreState({ clients, ...state }: HandlerState): void {
    if (state.json !== undefined || state.vectors !== undefined) this.strategy.restore?.(state);
    if (clients !== undefined) this.#known.restore(clients);
  }

  /**
   * Copies the strategy's result into the global vector.
   *
   * @throws {RangeError} If the result is not a vector of the global one's length.
   * @throws {Error} If the result, or a vector that the strategy sends or keeps, is not finite. The
   * global vector stays as it was; the strategy is usable again after {@linkcode revertModel}.
   */
  override updateModel(): void {
    const round = this.#round;
    if (!round) return;
    this.#round = undefined;
    const result = round.finish();
    if (result === this.parameters) return;
    checkResult(`Cannot end round ${this.#number}`, result, this.parameters.length, this.strategy);
    this.parameters.set(result);
  }
}
