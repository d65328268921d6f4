/**
 * DP-FTRL: correlated noise for clients that take part in turn.
 *
 * @module
 */

import { DiscreteGaussian } from "../noise/discrete_gaussian.ts";
import type { MemberSettings } from "../../strategy/privacy.ts";
import type { NoiseSource } from "../noise/random_words.ts";
import { bandedCoefficients, COEFFICIENT_UNIT } from "./banded.ts";
import { clippedRing } from "./clipped_sum.ts";
import { InTurnMechanism, type InTurnOptions } from "./in_turn.ts";
import type { CentralMechanism, Grid, Mechanism, RoundSum } from "./mechanism.ts";

/** Logarithm of the noise's deviation to base 2, in units of the grid times the coefficients'. */
const LOG_DEVIATION = 26;

/** Options of {@linkcode FtrlMechanism}. */
export interface FtrlOptions extends InTurnOptions {
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
export class FtrlMechanism extends InTurnMechanism implements CentralMechanism {
  readonly name = "ftrl";
  readonly grid: Grid;
  readonly #bands: number;
  readonly #cohort: number;
  readonly #coefficients: readonly number[];
  readonly #noise: DiscreteGaussian;
  /** Raw sums and releases of the rounds before, the last one first. */
  #sums: Float64Array[] = [];
  #released: Float64Array[] = [];

  constructor(options: FtrlOptions) {
    super(options);
    const { noise, clip, bands, cohort, source } = options;
    this.#bands = bands;
    this.#cohort = cohort;
    this.#coefficients = bandedCoefficients(bands);
    this.#noise = new DiscreteGaussian(LOG_DEVIATION, source);
    this.grid = { clip, unit: noise * clip / 2 ** LOG_DEVIATION / COEFFICIENT_UNIT };
  }

  members(): MemberSettings {
    const { clip: maxNorm } = this;
    return { ring: clippedRing(this.grid, this.#cohort), maxNorm };
  }

  release({ sum, ranks }: RoundSum): Float64Array {
    this.enter(ranks);
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

  override account(): ReturnType<Mechanism["account"]> {
    return { ...super.account(), separationLeast: this.#bands };
  }

  override restore(saved: Readonly<Record<string, unknown>>): void {
    super.restore(saved);
    this.#sums = [];
    this.#released = [];
  }
}
