/**
 * DP-FTRL: correlated noise for clients that take part in turn.
 *
 * @module
 */

import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { PrivateSelection } from "../../strategy/privacy.ts";
import { gaussianEpsilon, zcdpEpsilon } from "../accounting/gaussian.ts";
import { Owners } from "../ledger/owners.ts";
import { Participations } from "../ledger/participations.ts";
import { DiscreteGaussian } from "../noise/discrete_gaussian.ts";
import type { NoiseSource } from "../noise/random_words.ts";
import { bandedCoefficients, bandedNoise, COEFFICIENT_UNIT, type Participation } from "./banded.ts";
import type { Grid, Mechanism, RoundSum } from "./mechanism.ts";

/** Logarithm of the noise's deviation to base 2, in units of the grid times the coefficients'. */
const LOG_DEVIATION = 26;

/** Options of {@linkcode FtrlMechanism}. */
export interface FtrlOptions {
  readonly noise: number;
  readonly clip: number;
  readonly delta: number;
  readonly bands: number;
  /** Number of updates that a round wants. */
  readonly cohort: number;
  readonly limits: Participation;
  readonly source: NoiseSource;
}

/**
 * DP-FTRL with the banded square root of prefix sums.
 *
 * Kairouz et al. 2021, "Practical and Private (Deep) Learning without Sampling or Shuffling", with
 * the matrix of {@linkcode bandedCoefficients}. With the raw sums G of the rounds, it draws
 * `y_r = Σ_j c_j G_{r-j} + N` in whole numbers and releases `x_r = y_r - Σ_{j≥1} c_j x_{r-j}`, a
 * function of the private y alone, whatever its rounding errors. The past sums are secret, so no
 * checkpoint has them: a resumed run begins another chain of noise, for which the same bound holds.
 */
export class FtrlMechanism implements Mechanism {
  readonly name = "ftrl";
  readonly isCohortSecret = false;
  readonly owners = new Owners();
  readonly grid: Grid;
  readonly #options: FtrlOptions;
  readonly #coefficients: readonly number[];
  readonly #participations: Participations;
  readonly #noise: DiscreteGaussian;
  /** Raw sums and releases of the rounds before, the last one first. */
  #sums: Float64Array[] = [];
  #released: Float64Array[] = [];
  #releases = 0;

  constructor(options: FtrlOptions) {
    const { noise, clip, bands, limits, source } = options;
    this.#options = options;
    this.#coefficients = bandedCoefficients(bands);
    const participation = { most: limits.most, separation: bands };
    this.#participations = new Participations(participation, this.owners);
    this.#noise = new DiscreteGaussian(LOG_DEVIATION, source);
    this.grid = { clip, unit: noise * clip / 2 ** LOG_DEVIATION / COEFFICIENT_UNIT };
  }

  get releases(): number {
    return this.#releases;
  }

  get epsilonAtMost(): number {
    return this.#epsilonAfter(this.#options.limits.most).epsilon;
  }

  refusal(rank: Rank): string | undefined {
    return this.#participations.refusal(rank, this.#releases + 1);
  }

  stopReason(numClients: number): string | undefined {
    const { cohort, limits: { most } } = this.#options;
    const left = this.#participations.countLeft(numClients);
    return left >= cohort
      ? undefined
      : `the privacy budget is spent: ${left} of ${numClients} clients have taken part fewer than ${most} times, and a round wants ${cohort}`;
  }

  select({ available, count, lastRound }: PrivateSelection): Rank[] {
    return available.filter((rank) => this.refusal(rank) === undefined)
      .sort((a, b) => lastRound(a) - lastRound(b) || a - b)
      .slice(0, count);
  }

  release({ sum, ranks }: RoundSum): Float64Array {
    const release = ++this.#releases;
    for (const rank of ranks) this.#participations.add(rank, release);
    const coefficients = this.#coefficients;
    const noisy = new Float64Array(sum.length);
    [sum, ...this.#sums].forEach((past, j) => {
      const factor = (coefficients[j] ?? 0) / COEFFICIENT_UNIT;
      for (let i = 0; i < noisy.length; i++) noisy[i] = (noisy[i] ?? 0) + factor * (past[i] ?? 0);
    });
    this.#noise.addTo(noisy);
    const scale = this.grid.unit * COEFFICIENT_UNIT;
    for (let i = 0; i < noisy.length; i++) noisy[i] = (noisy[i] ?? 0) * scale;
    this.#released.forEach((past, j) => {
      const factor = coefficients[j + 1] ?? 0;
      for (let i = 0; i < noisy.length; i++) noisy[i] = (noisy[i] ?? 0) - factor * (past[i] ?? 0);
    });
    const kept = coefficients.length - 1;
    this.#sums = [sum, ...this.#sums].slice(0, kept);
    this.#released = [noisy, ...this.#released].slice(0, kept);
    return noisy;
  }

  account() {
    const { noise, clip, bands } = this.#options, { most } = this.#participations;
    return {
      relation: "zero-out" as const,
      noise,
      clip,
      releases: this.#releases,
      ...this.#epsilonAfter(most),
      participationsMost: most,
      separationLeast: bands,
    };
  }

  save(): Readonly<Record<string, unknown>> {
    return { releases: this.#releases, participations: this.#participations.save() };
  }

  restore({ releases, participations }: Readonly<Record<string, unknown>>): void {
    if (!isCount(releases)) throw new TypeError("expected a number of releases");
    this.#participations.restore(participations);
    this.#releases = Math.max(this.#releases, releases);
    this.#sums = [];
    this.#released = [];
  }

  /** Computes ε where no client has taken part more often than so many times. */
  #epsilonAfter(most: number): { epsilon: number; epsilonContinuous: number } {
    if (most === 0) return { epsilon: 0, epsilonContinuous: 0 };
    const { noise, bands, delta } = this.#options;
    const one = bandedNoise(noise, bands, { most, separation: bands });
    return {
      epsilon: zcdpEpsilon(1 / (2 * one * one), delta),
      epsilonContinuous: gaussianEpsilon(one, delta),
    };
  }
}
