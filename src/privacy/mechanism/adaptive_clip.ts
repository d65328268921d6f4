/**
 * A clip that follows a quantile of the norms.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";

const PROBLEM = "Cannot adapt the clip";

/** Options of an {@linkcode AdaptiveClip}. */
export interface AdaptiveClipOptions {
  /**
   * The first clip.
   *
   * @default {0.1}
   */
  readonly initial?: number;
  /**
   * Share γ of the clients whose norm is to be at most the clip.
   *
   * @default {0.5}
   */
  readonly quantile?: number;
  /**
   * Rate η of the change of the clip's logarithm.
   *
   * @default {0.2}
   */
  readonly learningRate?: number;
}

/**
 * Clip that follows a quantile of the clients' norms.
 *
 * Andrew, Thakkar, McMahan and Ramaswamy 2021, "Differentially Private Learning with Adaptive
 * Clipping", algorithm 1: `C ← C · exp(-η (b - γ))`, where b is the noisy share of clients whose
 * norm was at most the clip. Where more than γ were, the clip falls.
 *
 * @example
 * ```ts
 * import { AdaptiveClip } from "@fedlab/core/privacy";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const clip = new AdaptiveClip({ initial: 0.1 });
 * clip.follow(0);
 * assertAlmostEquals(clip.value, 0.110517092, 1e-9);
 * ```
 */
export class AdaptiveClip {
  readonly #quantile: number;
  readonly #rate: number;
  #value: number;

  /**
   * Makes a clip at its first value.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ initial = 0.1, quantile = 0.5, learningRate = 0.2 }: AdaptiveClipOptions = {}) {
    this.#value = checkInRange(initial, { above: 0 }, PROBLEM, "a first clip above 0");
    this.#quantile = checkInRange(
      quantile,
      { above: 0, below: 1 },
      PROBLEM,
      "a quantile above 0 and below 1",
    );
    this.#rate = checkInRange(learningRate, { above: 0 }, PROBLEM, "a learning rate above 0");
  }

  /** The clip of the next round. */
  get value(): number {
    return this.#value;
  }

  set value(value: number) {
    this.#value = checkInRange(value, { above: 0 }, PROBLEM, "a clip above 0");
  }

  /** Changes the clip after a round, by the noisy share of clients within it, cut to 0 to 1. */
  follow(share: number): void {
    const within = Math.min(1, Math.max(0, share));
    this.#value *= Math.exp(-this.#rate * (within - this.#quantile));
  }
}

/**
 * Noise multiplier for the vectors of a round that also releases the share of clients within the
 * clip, so that both together cost one Gaussian: `(z⁻² - (2σ_b)⁻²)^(-1/2)`.
 *
 * @param noise Noise multiplier z of both together.
 * @param countDeviation Standard deviation σ_b of the noise on the sum of `b - ½`.
 * @throws {RangeError} If the count alone costs as much, so that no noise suffices.
 */
export function splitNoise(noise: number, countDeviation: number): number {
  const rest = noise ** -2 - (2 * countDeviation) ** -2;
  if (rest > 0) return rest ** -0.5;
  throw new RangeError(
    `${PROBLEM}: expected a noise multiplier below ${
      2 * countDeviation
    }, twice the deviation of the count, got ${noise}`,
  );
}
