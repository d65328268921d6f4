/**
 * Differential privacy of clients that do not trust their server with single updates.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { RoundInfo, Strategy, StrategyRound, StrategyState } from "../../strategy/strategy.ts";
import { needInfo } from "../../strategy/working.ts";
import { WrappedStrategy } from "../../strategy/wrapped.ts";
import { zcdpNoise } from "../accounting/gaussian.ts";
import { CentralTerms } from "../central_terms.ts";
import { type CentralPrivacyOptions, checkGuarantee, noiseOf } from "../options.ts";
import { DistributedMechanism } from "./mechanism.ts";
import { type NoiseShareSettings, ringSettings } from "./noise_share.ts";

const PROBLEM = "Cannot make a private run";

/** Options of {@linkcode DistributedPrivacy}. */
export interface DistributedPrivacyOptions
  extends
    Pick<CentralPrivacyOptions, "epsilon" | "delta" | "rounds" | "clients" | "clip" | "then"> {
  /** Noise multiplier of the sum of `fewest` clients, in place of the one for `epsilon`. */
  readonly noise?: number;
  /** Number of updates that a round wants, and the most that a sum has. */
  readonly cohort: number;
  /** Least number of updates of which secure aggregation makes a sum: its threshold. */
  readonly threshold: number;
  /**
   * Share of the clients that may tell the server their noise.
   *
   * @default {0.1}
   */
  readonly colluding?: number;
}

/**
 * Strategy of distributed differential privacy: clients clip their updates and add their share of
 * the noise before they mask them, so that the server sees a sum that is private already.
 *
 * It needs secure aggregation, whose settings it extends: clients that do not know of it refuse to
 * train. The noise is scaled to the least number of updates in a sum that do not collude with the
 * server. Clients take part in turn, and none more often than the account allows. The guarantee is
 * against everyone, the server included, as far as secure aggregation protects against it.
 */
export class DistributedPrivacy extends WrappedStrategy {
  /** Demands on the rounds, and the guarantee so far. */
  readonly privacy: PrivacyTerms;
  /** Noise multiplier of the sum of the fewest clients. */
  readonly noise: number;
  /** Advice on options that guarantee less than it may seem, one line each. */
  readonly warnings: readonly string[];
  readonly #terms: DistributedTerms;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range or missing, or the ring has no room.
   */
  constructor(options: DistributedPrivacyOptions) {
    super("dp-distributed", options.then ? { mean: options.then } : {}, 1);
    const { share, most, warnings } = planned(options);
    this.noise = share.noise;
    this.warnings = warnings;
    this.privacy = this.#terms = new DistributedTerms(options, share, most, this.mean);
  }

  /** `true`: clients clip their updates, and no single one is seen. */
  override get isRobust(): boolean {
    return true;
  }

  /**
   * Opens a round.
   *
   * @throws {RangeError} If the group has another size than the guarantee is for, or the budget is
   * spent.
   */
  override begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const { numClients, fixed = [] } = needInfo(this.name, info), terms = this.#terms;
    terms.checkRound(this.name, numClients);
    terms.dimension = fixed.reduce((left, [from, to]) => left - (to - from), global.length);
    return super.begin(global, info);
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

/** Checks the options, and plans the noise. */
function planned(options: DistributedPrivacyOptions): {
  readonly share: NoiseShareSettings;
  readonly most: number;
  readonly warnings: readonly string[];
} {
  const { clip, warnings } = checkGuarantee(options);
  const { rounds, clients, cohort, threshold, colluding = 0.1 } = options;
  const sums = `sums of 1 to ${cohort} updates at least`;
  checkInRange(threshold, { whole: true, least: 1, most: cohort }, PROBLEM, sums);
  checkInRange(colluding, { least: 0, below: 1 }, PROBLEM, "a colluding share from 0 and below 1");
  const most = Math.ceil(rounds * cohort / clients);
  const noise = noiseOf(
    options,
    (epsilon, delta) => zcdpNoise(epsilon, delta) * Math.sqrt(most),
  );
  const fewest = Math.max(1, Math.floor((1 - colluding) * threshold));
  const share = { clip, noise, fewest, maxMembers: cohort };
  ringSettings(share);
  return { share, most, warnings };
}

/** Terms of sums whose clients have added the noise. */
class DistributedTerms extends CentralTerms {
  override readonly isNoiseShared = true;
  readonly #mechanism: DistributedMechanism;

  constructor(
    options: DistributedPrivacyOptions,
    share: NoiseShareSettings,
    most: number,
    then: Strategy,
  ) {
    const { delta, cohort, clients, threshold } = options, { clip, noise, fewest } = share;
    const { log: _, ...ring } = ringSettings(share), noises = { clip, noise, fewest, threshold };
    const members = { ring, noise: noises };
    const mechanism = new DistributedMechanism({ share, delta, cohort, most, members });
    super(mechanism, { mechanism: "distributed", delta, cohort, clients, noise }, then);
    this.#mechanism = mechanism;
  }

  /** Enters the clients of a sum in the account. */
  charge(ranks: readonly Rank[]): void {
    this.#mechanism.enter(ranks);
  }
}
