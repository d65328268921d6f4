import type { ParameterVector } from "../../params/manifest.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ClientUpdate, MemberSum, StrategyRound } from "../../strategy/strategy.ts";
import type { ExactSums } from "../../strategy/sums/exact_sums.ts";
import type { Aggregation } from "../../strategy/sums/sums.ts";
import { checkTaken, takeUpdate } from "./aggregation.ts";
import { NonFiniteResultError } from "./result_check.ts";

/** Round of a strategy that is open for updates. */
export class OpenRound {
  /** The round, from 1. */
  readonly number: number;
  /** Settings of the clients' training in this round. */
  readonly plan: TrainSettings;
  readonly #aggregation: Aggregation;
  readonly #round: StrategyRound;
  /** Error of the first update of the round for which the exact sums had no room. */
  #overflow: RangeError | undefined;

  /** Opens a round. */
  constructor(number: number, plan: TrainSettings, aggregation: Aggregation, round: StrategyRound) {
    this.number = number;
    this.plan = plan;
    this.#aggregation = aggregation;
    this.#round = round;
  }

  /**
   * Checks that the round can take an update.
   *
   * @throws {ProtocolError} "out-of-bounds".
   */
  check(update: ClientUpdate): void {
    checkTaken(this.#round, update);
  }

  /** Passes an update to the strategy. */
  take(update: ClientUpdate): void {
    this.#overflow ??= takeUpdate(this.#round, update, this.#aggregation);
  }

  /** Passes updates that were added up elsewhere to the strategy. */
  merge(part: ExactSums): void {
    try {
      if (this.#overflow === undefined) this.#round.merge?.(part);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#overflow = error;
    }
  }

  /**
   * Passes a sum to the strategy.
   *
   * @param mean Returns the update that others take in its place, the mean of all.
   */
  takeSum(sum: MemberSum, mean: () => ClientUpdate): void {
    if (this.#round.acceptSum === undefined) this.take(mean());
    else this.#round.acceptSum(sum);
  }

  /**
   * Returns the strategy's result.
   *
   * @throws {NonFiniteResultError} If the sums had no room for an update.
   */
  finish(problem: string): ParameterVector {
    if (this.#overflow) throw new NonFiniteResultError(`${problem}: ${this.#overflow.message}`);
    return this.#round.finish();
  }
}
