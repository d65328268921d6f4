/** Accuracy that is expected after a round. */
export interface Band {
  readonly round: number;
  readonly least: number;
  readonly most: number;
}

/**
 * Returns the round at which the best accuracy so far crosses a target, interpolated linearly
 * between the rounds before and after (McMahan et al. 2017, section 3); `undefined` if it does not.
 *
 * @param curve Accuracy after each round, from the first.
 */
export function crossingOf(curve: readonly number[], target: number): number | undefined {
  let best = -Infinity;
  for (const [i, accuracy] of curve.entries()) {
    if (accuracy >= target) {
      return best === -Infinity ? i + 1 : i + (target - best) / (accuracy - best);
    }
    if (accuracy > best) best = accuracy;
  }
  return undefined;
}

/** Returns true if a curve goes through all bands, both ends included. */
export function isInBands(curve: readonly number[], bands: readonly Band[]): boolean {
  return bands.every(({ round, least, most }) => {
    const accuracy = curve[round - 1] ?? NaN;
    return accuracy >= least && accuracy <= most;
  });
}
