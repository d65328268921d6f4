/**
 * DP-FedAvg: independent noise for cohorts that are drawn by chance.
 *
 * @module
 */

import { checkInRange, isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { PrivateSelection } from "../../strategy/privacy.ts";
import { pldEpsilon } from "../accounting/pld.ts";
import { rdpToEpsilon, sampledGaussianRdp, WHOLE_ORDERS } from "../accounting/rdp.ts";
import { Owners } from "../ledger/owners.ts";
import { DiscreteGaussian } from "../noise/discrete_gaussian.ts";
import { type NoiseSource, RandomBits } from "../noise/random_words.ts";
import { type AdaptiveClip, splitNoise } from "./adaptive_clip.ts";
import type { CentralMechanism, Grid, RoundSum } from "./mechanism.ts";

/** Logarithm of the noise's deviation to base 2, in units of the grid. */
const LOG_DEVIATION = 21;
/** Slack for rounding errors where a plan has exactly its budget. */
const SLACK = 1e-7;

/** Options of {@linkcode SampledMechanism}. */
export interface SampledOptions {
  /** Noise multiplier z of what a round releases. */
  readonly noise: number;
  readonly clip: number | AdaptiveClip;
  readonly delta: number;
  /** Largest ε of the run. */
  readonly maxEpsilon: number;
  /** Probability of each client. */
  readonly rate: number;
  /** Expected number of updates of a round. */
  readonly cohort: number;
  readonly source: NoiseSource;
}

/**
 * Federated averaging with Gaussian noise on clipped updates of a Poisson sample of clients.
 *
 * McMahan, Ramage, Talwar and Zhang 2018, "Learning Differentially Private Recurrent Language
 * Models", algorithm 1. Each client is in a cohort with the same probability, by itself, by random
 * bits of the system. The guarantee holds while nobody learns the cohorts.
 */
export class SampledMechanism implements CentralMechanism {
  readonly name = "fedavg";
  readonly isCohortSecret = true;
  readonly owners = new Owners();
  readonly #options: SampledOptions;
  /** Noise multiplier of the vectors, where the count of an adaptive clip takes its share. */
  readonly #vectorNoise: number;
  /** Deviation of the noise on the sum of `b - ½`. */
  readonly #countDeviation: number;
  readonly #noise: DiscreteGaussian;
  readonly #bits: RandomBits;
  readonly #divergences: readonly number[];
  #releases = 0;

  constructor(options: SampledOptions) {
    const { noise, clip, rate, cohort, source } = options;
    this.#options = options;
    this.#countDeviation = cohort / 20;
    this.#vectorNoise = typeof clip === "number" ? noise : splitNoise(noise, this.#countDeviation);
    this.#noise = new DiscreteGaussian(LOG_DEVIATION, source);
    this.#bits = new RandomBits(source);
    this.#divergences = WHOLE_ORDERS.map((order) => sampledGaussianRdp({ noise, rate }, order));
  }

  get basis(): Readonly<Record<string, number>> {
    return { rate: this.#options.rate };
  }

  get releases(): number {
    return this.#releases;
  }

  get epsilonAtMost(): number {
    return this.#options.maxEpsilon;
  }

  get clip(): number {
    const { clip } = this.#options;
    return typeof clip === "number" ? clip : clip.value;
  }

  get grid(): Grid {
    const { clip } = this;
    return { clip, unit: this.#vectorNoise * clip / 2 ** LOG_DEVIATION };
  }

  refusal(): undefined {
    return undefined;
  }

  stopReason(): string | undefined {
    const { maxEpsilon } = this.#options;
    const next = this.#epsilonAfter(this.#releases + 1);
    return next <= maxEpsilon + SLACK
      ? undefined
      : `the privacy budget is spent: another round would make epsilon ${
        next.toPrecision(6)
      }, above ${maxEpsilon}`;
  }

  select({ available }: PrivateSelection): Rank[] {
    const limit = Math.floor(this.#options.rate * 2 ** 32);
    return available.filter(() => this.#bits.word() < limit);
  }

  release({ sum, grid, ranks, within }: RoundSum): Float64Array {
    this.#releases++;
    this.#noise.addTo(sum);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) * grid.unit;
    const { clip, cohort } = this.#options;
    if (typeof clip !== "number") {
      const half = Math.floor(2 ** (LOG_DEVIATION - 1) / this.#countDeviation);
      const count = (2 * within - ranks.length) * half + this.#noise.sample();
      clip.follow(count * this.#countDeviation / 2 ** LOG_DEVIATION / cohort + 0.5);
    }
    return sum;
  }

  account() {
    const { noise, delta, rate } = this.#options;
    const count = this.#releases;
    return {
      relation: "add-remove" as const,
      noise,
      clip: this.clip,
      releases: count,
      epsilon: this.#epsilonAfter(count),
      epsilonContinuous: count === 0 ? 0 : pldEpsilon([{ noise, rate, count }], delta),
      rate,
    };
  }

  save(): Readonly<Record<string, unknown>> {
    const { clip } = this.#options;
    return { releases: this.#releases, ...(typeof clip !== "number" && { clip: clip.value }) };
  }

  restore({ releases, clip }: Readonly<Record<string, unknown>>): void {
    if (!isCount(releases)) throw new TypeError("expected a number of releases");
    const { clip: own } = this.#options;
    if (typeof own !== "number") {
      own.value = checkInRange(Number(clip), { above: 0 }, "Cannot restore", "a clip above 0");
    }
    this.#releases = Math.max(this.#releases, releases);
  }

  #epsilonAfter(releases: number): number {
    if (releases === 0) return 0;
    const divergences = this.#divergences.map((one) => releases * one);
    return rdpToEpsilon(WHOLE_ORDERS, divergences, this.#options.delta).epsilon;
  }
}
