/**
 * Handler of an asynchronous server that applies a strategy.
 *
 * @module
 */

import { ProtocolError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import type { Rank } from "../../base/rank.ts";
import type { AsyncStrategy } from "../../strategy/asynchronous/async_strategy.ts";
import { sparing } from "../../strategy/untrained.ts";
import { FedAsync } from "../../strategy/asynchronous/fedasync.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { AsyncServerBackendHandler, UpdateOrigin } from "./async_server_backend_handler.ts";
import { secureSettings } from "../secure/options.ts";
import { checkAggregation } from "./aggregation.ts";
import type { ServerHandlerOptions } from "./options.ts";
import { checkFinite } from "./result_check.ts";
import { StrategyServerHandler } from "./strategy_handler.ts";
import {
  boundText,
  changeLimit,
  claimedWork,
  lowerMedian,
  type UpdateFigures,
  updateFigures,
} from "./update_bound.ts";
import { toClientUpdate } from "./update_check.ts";

/** Number of clients whose last changes an update is compared with: at most, and at least. */
const MAX_RECENT = 32;
const MIN_RECENT = 3;

/** Options of an {@linkcode AsyncParameterServerHandler}. */
export interface AsyncParameterServerHandlerOptions extends ServerHandlerOptions {
  /** The algorithm. Default `new FedAsync()`. */
  strategy?: AsyncStrategy;
}

/**
 * Handler of an asynchronous server: applies one strategy to one global vector.
 *
 * Its memory is `(2 + strategy.workingVectors + stagingBuffers) × model`. Its topology keeps the
 * versions that clients are training from besides.
 */
export class AsyncParameterServerHandler extends StrategyServerHandler<AsyncStrategy>
  implements AsyncServerBackendHandler {
  /** Norm and work of each client's last accepted update, the newest last. */
  readonly #last = new Map<Rank, UpdateFigures>();
  /** Set while the version that is being made has no updates. */
  #isFresh = true;

  /**
   * Makes a handler from its options.
   *
   * @throws {RangeError} If the vector does not fit the manifest or is not finite, or an option is
   * out of range.
   */
  constructor(options: AsyncParameterServerHandlerOptions) {
    const { secureAggregation } = options;
    const secure = secureAggregation && secureSettings(secureAggregation);
    checkAggregation(options, { mode: "async", ...(secure && { plan: { secure } }) });
    super(options, options.strategy ?? new FedAsync());
  }

  /** Number of updates that make a version of the model. */
  get updatesPerVersion(): number {
    return this.strategy.updatesPerVersion;
  }

  /**
   * Draws the clients that may train next, at random by the seed and the number of the draw.
   *
   * @param draw Number of the draw, from 1.
   * @param waiting The ranks that ask for work.
   * @param most Maximum number of ranks to draw.
   * @returns The ranks, in the order in which they were drawn.
   */
  selectClients(draw: number, waiting: readonly Rank[], most: number): Rank[] {
    const order = [...waiting].sort((a, b) => a - b);
    return new Random(this.seed, "cohort", { round: draw })
      .sample(order, Math.min(order.length, most));
  }

  /**
   * Checks an update. A change is out of bounds when it is larger than `updateBound` times the
   * median of the clients' last changes, and larger than the model with which the run began.
   *
   * @returns The L2 norm of the change from `base`, by default from the global vector.
   * @throws {ProtocolError} "shape-mismatch", "invalid-field", "non-finite" or "out-of-bounds".
   */
  override check(
    sender: Rank,
    payload: ParameterUpdatePayload,
    { base }: Partial<UpdateOrigin> = {},
  ): number {
    const { updateBound } = this;
    const norm = this.checkUpdate(sender, payload, base);
    const recent = this.#last.size < MIN_RECENT ? [] : [...this.#last.values()];
    const median = lowerMedian(recent.map(({ norm }) => norm));
    if (updateBound === Infinity || norm <= updateBound * median) return norm;
    const limitFor = changeLimit(recent, { bound: updateBound, floor: this.harmlessNorm });
    const limit = limitFor(updateFigures(norm, payload));
    if (norm <= limit) return norm;
    throw new ProtocolError(
      "out-of-bounds",
      `Cannot take the update of rank ${sender}: ${boundText(norm, limit)}`,
    );
  }

  /**
   * Takes in an update that passed {@linkcode check}.
   *
   * @returns `true` when the global vector is a new version now.
   * @throws {Error} If that version, or a vector that the strategy keeps, is not finite. The global
   * vector and the strategy's state are then as they were before the version.
   */
  onReceive(sender: Rank, payload: ParameterUpdatePayload, origin: UpdateOrigin): boolean {
    const { parameters, strategy, untrained, fixed } = this;
    if (this.#isFresh) {
      this.snapshot();
      this.#isFresh = false;
    }
    const update = { ...toClientUpdate(sender, payload), ...origin, untrained };
    let isNew = false;
    sparing(fixed, parameters, () => isNew = strategy.accept(parameters, update));
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

  /** Notes the change of an update that is in the model: later ones are compared with it. */
  noteUpdate(sender: Rank, norm: number, payload: ParameterUpdatePayload): void {
    // Each client counts once, however many updates it sends. Of its claims, only the work is kept.
    this.#last.delete(sender);
    this.#last.set(sender, { norm, claims: { steps: claimedWork(payload) } });
    const [oldest] = this.#last.keys();
    if (this.#last.size > MAX_RECENT && oldest !== undefined) this.#last.delete(oldest);
  }

  /** Takes back the version that is being made, or was made last. */
  revertModel(): void {
    this.revert();
    this.#isFresh = true;
  }

  /** Returns the changes that updates are compared with. */
  protected override saveClients(): unknown {
    return {
      recent: [...this.#last].map(([rank, last]) => [rank, last.norm, claimedWork(last.claims)]),
    };
  }

  /**
   * Restores the changes that updates are compared with.
   *
   * @throws {TypeError} If they are not valid.
   */
  protected override restoreClients(saved: unknown): void {
    const { recent } = Object(saved) as { readonly recent?: unknown };
    const isFigure = (value: unknown) => Number.isFinite(value) && Number(value) >= 0;
    const isEntry = (entry: unknown): entry is [rank: Rank, norm: number, work: number] =>
      Array.isArray(entry) && entry.length === 3 && entry.every(isFigure);
    if (!Array.isArray(recent) || !recent.every(isEntry)) {
      throw new TypeError(
        "Cannot resume from the checkpoint: expected the norms of the last updates, got something else",
      );
    }
    this.#last.clear();
    for (const [rank, norm, steps] of recent.slice(-MAX_RECENT)) {
      this.#last.set(rank, { norm, claims: { steps } });
    }
  }
}
