/**
 * Handler of a synchronous server that applies a strategy.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { RingVector } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import { FedAvg } from "../../strategy/averaging/fedavg.ts";
import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import { sparing } from "../../strategy/untrained.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { CohortSelector } from "../selection/cohort_selector.ts";
import { SumReader } from "../secure/mean_update.ts";
import type { ClientSelection, KnownClient } from "../selection/selection.ts";
import { KnownClients } from "./known_clients.ts";
import type { SyncParameterServerHandlerOptions } from "./options.ts";
import { checkAggregation, checkedRound } from "./aggregation.ts";
import { OpenRound } from "./open_round.ts";
import { checkResult } from "./result_check.ts";
import { StrategyServerHandler } from "./strategy_handler.ts";
import type { OutOfBounds, SyncServerBackendHandler } from "./sync_server_backend_handler.ts";
import { type SummedUpdates, summedUpdates } from "./summed_updates.ts";
import { knownFigures, outOfBounds, type UpdateFigures } from "./update_bound.ts";
import { toClientUpdate } from "./update_check.ts";

/**
 * Handler of a synchronous server: applies one strategy to one global vector.
 *
 * Its memory is `(2 + strategy.workingVectors + stagingBuffers) × model`, whatever the number of
 * clients, and a copy of the strategy's state. A strategy that has to see all of a round's updates
 * at once keeps copies of them besides.
 *
 * @example A round by hand, as a topology calls it
 * ```ts
 * import { Manifest, SyncParameterServerHandler } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = new SyncParameterServerHandler({
 *   manifest: Manifest.of([{ name: "w", shape: [2] }]),
 *   parameters: new Float32Array([0, 0]),
 * });
 * handler.beginRound(1, 2);
 * for (const rank of handler.selectClients(1, [1, 2], 2)) {
 *   const update = { round: 1, numSamples: 10, parameters: new Float32Array([1, 3]) };
 *   handler.check(rank, update);
 *   handler.onReceive(rank, update);
 * }
 * handler.updateModel();
 * assertEquals([...handler.parameters], [1, 3]);
 * ```
 */
export class SyncParameterServerHandler extends StrategyServerHandler<Strategy>
  implements SyncServerBackendHandler {
  readonly #selector: CohortSelector;
  readonly #known = new KnownClients();
  /** Norms of the changes checked in this round. */
  readonly #norms = new Map<Rank, number>();
  #round: OpenRound | undefined;
  #sums: SumReader | undefined;
  #summed: SummedUpdates | undefined;

  /**
   * Makes a handler from its options.
   *
   * @throws {RangeError} If the vector does not fit the manifest or is not finite, an option is out
   * of range, or the plan does not suit the strategy.
   */
  constructor(options: SyncParameterServerHandlerOptions) {
    const strategy = options.strategy ?? new FedAvg();
    const selector = new CohortSelector(options, strategy);
    checkAggregation(options, { strategy });
    super(options, strategy);
    this.#selector = selector;
  }

  /** The vector that the strategy sends beside the parameters. */
  override get control(): ParameterVector | undefined {
    return this.strategy.control;
  }

  /** Demands and guarantee of a private strategy. */
  override get privacy(): PrivacyTerms | undefined {
    return this.strategy.privacy;
  }

  /** Share of the clients that a round wants updates of. */
  get fraction(): number {
    return this.#selector.fraction;
  }

  /** Share by which a cohort exceeds the number of wanted updates. */
  get overSelection(): number {
    return this.#selector.overSelection;
  }

  /** Policy that selects the cohorts. */
  get selection(): ClientSelection {
    return this.#selector.selection;
  }

  /** Knowledge about each client, in rank order: the input of the selection. */
  get known(): ReadonlyMap<Rank, KnownClient> {
    return new Map(this.#known.all);
  }

  /** Minimum number of updates that the strategy needs in a round. */
  get fewestUpdates(): number {
    return this.strategy.fewestUpdates ?? 1;
  }

  /** Returns `max(1, round(fraction * numClients))`. */
  updatesWanted(numClients: number): number {
    return this.#selector.updatesWanted(numClients);
  }

  /**
   * Selects a cohort by the policy: as many ranks as updates are wanted, and the share
   * `overSelection` more. Random policies depend on the seed, the round and the attempt.
   *
   * @throws {RangeError} If the policy selects no rank, too many, one twice, or an absent one.
   */
  selectClients(
    round: number,
    available: readonly Rank[],
    numClients: number,
    attempt = 0,
  ): Rank[] {
    const { seed } = this, known = this.#known.all;
    return this.#selector.select({ round, attempt, available, numClients, seed, known });
  }

  /** Notes the client's key, and its number of samples where the run is not closed. */
  override onJoin(rank: Rank, numSamples: number, key?: string): void {
    this.privacy?.seat(rank, key);
    if (!this.isClosed) this.#known.addJoin(rank, numSamples);
  }

  /** Notes that the client did not answer, or was refused; nothing where cohorts are secret. */
  onDrop(rank: Rank, round: number, isRefused = false): void {
    if (!this.privacy?.isCohortSecret) this.#known.addMiss(rank, round, isRefused);
  }

  /**
   * Returns the clients that were refused, or missed twice in a row. They pause for 1 round, and
   * for twice as many with each further miss, up to 64.
   */
  paused(round: number): readonly Rank[] {
    return this.#known.paused(round);
  }

  /**
   * Returns the updates whose change exceeds `updateBound` times the cohort's median. A robust
   * strategy tolerates them; in a closed run clients clip each, and sizes must not show.
   */
  outOfBounds(updates: ReadonlyMap<Rank, UpdateFigures>): OutOfBounds | undefined {
    const { strategy: { isRobust: isBorne = false }, updateBound } = this;
    if (updateBound === Infinity || this.isClosed) return undefined;
    const others = this.#known.lastUpdates(updates);
    const limits = { bound: updateBound, floor: this.harmlessNorm };
    return { updates: outOfBounds(updates, limits, others), isBorne };
  }

  /** Takes the round back. Returns `false` in a closed run: what was released stays released. */
  revertModel(): boolean {
    if (this.isClosed) return false;
    this.#round = undefined;
    this.revert();
    return true;
  }

  /** Way of updates that were added up elsewhere, unless a subclass takes each by itself. */
  get summed(): SummedUpdates | undefined {
    const known = this.#known, { prototype } = SyncParameterServerHandler;
    return this.#summed ??= summedUpdates(this, prototype, known, () => this.#round);
  }

  /** Begins a round of the strategy. */
  beginRound(round: number, numClients: number): void {
    const { untrained, fixed, aggregation, manifest } = this, plan = this.planFor(round);
    this.#norms.clear();
    this.snapshot();
    const info = { round, numClients, plan, untrained, fixed, aggregation, manifest };
    const begun = checkedRound(this.strategy.begin(this.parameters, info), this);
    this.#round = new OpenRound(round, plan, aggregation, begun);
  }

  /**
   * Checks an update.
   *
   * @returns The L2 norm of the change.
   * @throws {ProtocolError} "shape-mismatch", "invalid-field", "non-finite" or "out-of-bounds".
   */
  override check(sender: Rank, payload: ParameterUpdatePayload): number {
    const norm = this.checkUpdate(sender, payload, this.parameters, this.#round?.plan);
    this.#round?.check(toClientUpdate(sender, payload));
    this.#norms.set(sender, norm);
    return norm;
  }

  /** Passes an update to the strategy's round, and notes its figures. */
  onReceive(sender: Rank, payload: ParameterUpdatePayload): void {
    if (!this.#round) throw new Error("Cannot take an update: no round is open");
    this.#round.take(toClientUpdate(sender, payload));
    if (this.privacy?.isCohortSecret) return;
    const figures = this.isClosed ? {} : knownFigures(payload, this.#norms.get(sender));
    this.#known.addUpdate(sender, { round: payload.round, ...figures });
  }

  /** Passes a sum to a strategy that adds noise to it, and to others its mean, as one update. */
  takeSum(ring: Ring, sums: RingVector, ranks: readonly Rank[]): void {
    const { parameters, fixed } = this, round = this.#round;
    if (round === undefined) throw new Error("Cannot take a sum: no round is open");
    this.privacy?.charge?.(ranks);
    const reader = this.#sums ??= new SumReader(parameters.length, fixed, this.plan.rule);
    round.takeSum({ sums, ranks }, () => reader.read(ring, sums, parameters));
    for (const rank of ranks) this.#known.addUpdate(rank, { round: round.number });
  }

  /** Returns the knowledge about the clients. */
  protected override saveClients(): unknown {
    return this.#known.save();
  }

  /** Restores the knowledge about the clients; throws a `TypeError` if it is not valid. */
  protected override restoreClients(saved: unknown): void {
    this.#known.restore(saved);
  }

  /**
   * Copies the strategy's result into the global vector.
   *
   * @throws {RangeError} If the result is not a vector of the global one's length.
   * @throws {Error} If the result, or a vector that the strategy sends or keeps, is not finite. The
   * global vector stays as it was; the strategy is usable again after {@linkcode revertModel}.
   */
  updateModel(): void {
    const round = this.#round;
    if (!round) return;
    this.#round = undefined;
    const problem = `Cannot end round ${round.number}`, result = round.finish(problem);
    if (result === this.parameters) return;
    checkResult(problem, result, this.parameters.length, this.strategy);
    sparing(this.fixed, this.parameters, () => this.parameters.set(result));
  }
}
