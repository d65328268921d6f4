/**
 * Differential privacy of clients against everyone who sees the models of a run.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { VectorPart } from "../params/vector_part.ts";
import { LANES } from "../secure/quantize.ts";
import type { PrivacyTerms } from "../strategy/privacy.ts";
import type { MemberSum, RoundInfo, StrategyRound, StrategyState } from "../strategy/strategy.ts";
import { spansWithout } from "../strategy/untrained.ts";
import { needInfo, workingVector } from "../strategy/working.ts";
import { WrappedStrategy } from "../strategy/wrapped.ts";
import { CentralTerms } from "./central_terms.ts";
import type { Owner } from "./ledger/owners.ts";
import { type CentralPrivacyOptions, mechanismOf } from "./options.ts";
import { addClipped } from "./mechanism/clip.ts";
import { foldedSum } from "./mechanism/clipped_sum.ts";
import type { CentralMechanism } from "./mechanism/mechanism.ts";

/**
 * Strategy with client-level differential privacy: the mean of clipped updates with noise, which
 * another strategy takes as the only update of its round.
 *
 * Each update counts alike, whatever its number of samples, and the sum is divided by the planned
 * size of the cohort, however many answered: so no client moves the mean by more than the clip
 * divided by that size. The noise is an exact discrete Gaussian on whole numbers, from random bits
 * of the system: two runs of one seed give different models. The guarantee is against everyone who
 * sees the models of all rounds and the report, and trusts the server to add the noise. With secure
 * aggregation the clients clip their updates, and the server sees sums alone. Values that
 * do not travel, of frozen layers and of tensors that stay on the clients, are neither clipped nor
 * given noise: they stay as they are.
 *
 * @example Guarantee of 100 rounds with 100 of 1,000 clients each
 * ```ts
 * import { CentralPrivacy } from "@fedlab/core/privacy";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const plan = { rounds: 100, clients: 1000, cohort: 100 };
 * const strategy = new CentralPrivacy({ mechanism: "ftrl", epsilon: 8, delta: 1e-5, ...plan });
 * assertAlmostEquals(strategy.noise, 2.699, 1e-3);
 * ```
 */
export class CentralPrivacy extends WrappedStrategy {
  /** Demands on the rounds, and the guarantee so far. */
  readonly privacy: PrivacyTerms;
  /** Noise multiplier: deviation of the noise on a round's sum, divided by the clip. */
  readonly noise: number;
  /** Advice on options that guarantee less than it may seem, one line each. */
  readonly warnings: readonly string[];
  readonly #mechanism: CentralMechanism;
  readonly #terms: CentralTerms;
  readonly #options: CentralPrivacyOptions;
  #mean: ParameterVector | undefined;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range or missing, or no noise gives the guarantee.
   */
  constructor(options: CentralPrivacyOptions) {
    super(`dp-${options.mechanism}`, options.then ? { mean: options.then } : {}, 1);
    const { mechanism, noise, warnings } = mechanismOf(options);
    this.noise = noise;
    this.warnings = warnings;
    this.#mechanism = mechanism;
    this.#options = options;
    this.privacy = this.#terms = new CentralTerms(mechanism, { ...options, noise }, this.mean);
  }

  /** `true`: no update, however large, moves the model by more than the clip allows. */
  override get isRobust(): boolean {
    return true;
  }

  /** None: the noise is added to sums in an order of its own. */
  override get sums(): undefined {
    return undefined;
  }

  /**
   * Opens a round.
   *
   * @throws {RangeError} If the group has another size than the guarantee is for, the model has
   * values that no gradient trains, or the budget is spent.
   */
  override begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const { numClients, untrained = [], fixed = [] } = needInfo(this.name, info);
    const mechanism = this.#mechanism;
    this.#terms.checkRound(this.name, numClients);
    if (spansWithout(untrained, fixed).length > 0) {
      throw new RangeError(
        `Cannot begin a round of ${this.name}: expected a model without moving statistics such as BatchNorm's, to which noise cannot be added`,
      );
    }
    const { grid } = mechanism, { cohort } = this.#options;
    // Values that do not travel are not the clients' to change, and get no noise.
    const part = new VectorPart(global.length, fixed);
    const from = fixed.length === 0 ? global : part.take(global);
    const sum = new Float64Array(part.length), ranks: Rank[] = [];
    this.#terms.dimension = part.length;
    let within = 0;
    const { owners } = mechanism, taken = new Set<Owner>();
    const check = ({ rank }: { readonly rank: Rank }) => {
      const reason = taken.has(owners.of(rank))
        ? "its key has taken part in this round"
        : mechanism.refusal(rank);
      if (reason !== undefined) {
        throw new RangeError(`expected a client that may take part, got rank ${rank}: ${reason}`);
      }
    };
    const admit = (rank: Rank) => {
      check({ rank });
      taken.add(owners.of(rank));
    };
    const acceptSum = ({ sums, ranks: summed }: MemberSum) => {
      summed.forEach(admit);
      ranks.push(...summed);
      if (ranks.length > cohort || sums.length !== part.length + LANES) {
        throw new RangeError(
          `Cannot take a sum: expected ${part.length} values of up to ${cohort} clients, got ${
            sums.length - LANES
          } of ${ranks.length}`,
        );
      }
      sum.set(foldedSum(sums, part.length, { grid, cohort }));
    };
    return {
      check,
      accept: (update) => {
        admit(update.rank);
        const { parameters } = update;
        const to = fixed.length === 0 ? parameters : part.take(parameters);
        if (addClipped(sum, { from, to }, grid).isWithin) within++;
        ranks.push(update.rank);
      },
      ...(mechanism.members && { acceptSum }),
      finish: () => {
        const noisy = mechanism.release({ sum, grid, ranks, within });
        const mean = this.#mean = workingVector(this.#mean, global);
        mean.set(global);
        const next = new Float32Array(part.length);
        for (let i = 0; i < next.length; i++) next[i] = (from[i] ?? 0) + (noisy[i] ?? 0) / cohort;
        part.put(next, mean);
        const round = super.begin(global, info);
        round.accept({ rank: 1, parameters: mean, numSamples: 1 });
        return round.finish();
      },
    };
  }

  /** Gives the account of the run beside the state of the inner strategy. */
  override save(): StrategyState {
    return this.#terms.save(super.save());
  }

  /**
   * Adds a saved account to the own one: what either has released stays in it.
   *
   * @throws {TypeError} If it is no such state.
   * @throws {RangeError} If its noise or δ is another.
   */
  override restore(state: StrategyState): void {
    const inner = this.#terms.restore(state);
    if (inner !== undefined) super.restore(inner);
  }
}
