/**
 * Differential privacy of clients that do not trust their server with single updates.
 *
 * @module
 */

import { isRecord } from "../../base/json.ts";
import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { SharedNoise } from "../../plan/secure_settings.ts";
import type { RingSettings } from "../../secure/ring.ts";
import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { RoundInfo, Strategy, StrategyRound, StrategyState } from "../../strategy/strategy.ts";
import { needInfo } from "../../strategy/working.ts";
import { WrappedStrategy } from "../../strategy/wrapped.ts";
import { checkDelta, checkEpsilon, zcdpNoise } from "../accounting/gaussian.ts";
import { CentralTerms } from "../central_terms.ts";
import { DEFAULT_CLIP } from "../options.ts";
import { DistributedMechanism } from "./mechanism.ts";
import { type NoiseShareSettings, ringSettings } from "./noise_share.ts";

const PROBLEM = "Cannot make a private run";

/** Options of {@linkcode DistributedPrivacy}. */
export interface DistributedPrivacyOptions {
  /** ε of the guarantee after all rounds, above 0. Required without `noise`. */
  readonly epsilon?: number;
  /** Noise multiplier of the sum of `fewest` clients, in place of the one for `epsilon`. */
  readonly noise?: number;
  /** δ of the guarantee, above 0 and below 1; far below 1 / number of clients. */
  readonly delta: number;
  /** Number of rounds of the run. */
  readonly rounds: number;
  /** Number of clients in the group. */
  readonly clients: number;
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
  /**
   * Largest L2 norm of an update; clients scale larger ones down to it.
   *
   * @default {0.3}
   */
  readonly clip?: number;
  /** Algorithm that takes the private mean. Default `new FedAvg()`. */
  readonly then?: Strategy;
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
    if (numClients !== terms.clients) {
      throw new RangeError(
        `Cannot begin a round of ${this.name}: expected the ${terms.clients} clients that the guarantee is for, got ${numClients}`,
      );
    }
    const stop = terms.stopReason(numClients);
    if (stop !== undefined) throw new RangeError(`Cannot begin a round of ${this.name}: ${stop}`);
    terms.dimension = fixed.reduce((left, [from, to]) => left - (to - from), global.length);
    return super.begin(global, info);
  }

  /** Gives the account of the run beside the state of the inner strategy. */
  override save(): StrategyState {
    const { json, vectors } = super.save();
    return {
      json: { privacy: this.#terms.account, then: json ?? null },
      ...(vectors && { vectors }),
    };
  }

  /**
   * Adds a saved account to the own one: what either has released stays in it.
   *
   * @throws {TypeError} If it is no such state.
   * @throws {RangeError} If its noise or δ is another.
   */
  override restore({ json, vectors }: StrategyState): void {
    const { privacy, then = null } = isRecord(json) ? json : {};
    this.#terms.addAccount(privacy);
    if (then === null && !vectors) return;
    super.restore({ ...(then !== null && { json: then }), ...(vectors && { vectors }) });
  }
}

/** Checks the options, and plans the noise. */
function planned(
  { epsilon, noise: given, clip = DEFAULT_CLIP, ...options }: DistributedPrivacyOptions,
): {
  readonly share: NoiseShareSettings;
  readonly most: number;
  readonly warnings: readonly string[];
} {
  const { rounds, clients, cohort, threshold, colluding = 0.1 } = options;
  const { delta }: Partial<DistributedPrivacyOptions> = options;
  if (delta === undefined) {
    throw new RangeError(`${PROBLEM}: expected delta beside epsilon, such as 1e-5, got none`);
  }
  checkDelta(delta);
  if ((epsilon === undefined) === (given === undefined)) {
    throw new RangeError(
      `${PROBLEM}: expected epsilon or noise, got ${epsilon === undefined ? "neither" : "both"}`,
    );
  }
  checkInRange(rounds, AT_LEAST_ONE, PROBLEM, "a whole number of rounds from 1");
  checkInRange(clients, AT_LEAST_ONE, PROBLEM, "a whole number of clients from 1");
  const ofAll = { whole: true, least: 1, most: clients };
  checkInRange(cohort, ofAll, PROBLEM, `a cohort of 1 to ${clients} clients`);
  const sums = `sums of 1 to ${cohort} updates at least`;
  checkInRange(threshold, { whole: true, least: 1, most: cohort }, PROBLEM, sums);
  checkInRange(colluding, { least: 0, below: 1 }, PROBLEM, "a colluding share from 0 and below 1");
  const most = Math.ceil(rounds * cohort / clients);
  const noise = given ?? zcdpNoise(checkEpsilon(epsilon ?? NaN), delta) * Math.sqrt(most);
  const fewest = Math.max(1, Math.floor((1 - colluding) * threshold));
  const share = { clip, noise, fewest, maxMembers: cohort };
  ringSettings(share);
  const warnings = delta > 1 / clients
    ? [
      `delta ${delta} is above 1 / ${clients} clients: publishing the data of one of them would be within it`,
    ]
    : [];
  return { share, most, warnings };
}

/** Terms of sums whose clients have added the noise. */
class DistributedTerms extends CentralTerms {
  readonly clients: number;
  readonly sharedNoise: { readonly ring: RingSettings; readonly noise: SharedNoise };
  readonly #mechanism: DistributedMechanism;

  constructor(
    options: DistributedPrivacyOptions,
    share: NoiseShareSettings,
    most: number,
    then: Strategy,
  ) {
    const { delta, cohort, clients, threshold } = options, { clip, noise, fewest } = share;
    const mechanism = new DistributedMechanism({ share, delta, cohort, most });
    super(mechanism, { mechanism: "distributed", delta, cohort, clients, noise }, then);
    this.#mechanism = mechanism;
    this.clients = clients;
    const { log: _, ...ring } = ringSettings(share);
    this.sharedNoise = { ring, noise: { clip, noise, fewest, threshold } };
  }

  /** Enters the clients of a sum in the account. */
  charge(ranks: readonly Rank[]): void {
    this.#mechanism.release({ sum: new Float64Array(), ranks });
  }
}
