/**
 * Clipping of changes to a grid of whole numbers.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";

/** Change of a client, clipped and in whole numbers. */
export interface ClippedChange {
  /** L2 norm before it was clipped. */
  readonly norm: number;
  /** `true` if the norm was at most the clip. */
  readonly isWithin: boolean;
}

/**
 * Adds the change from one vector to another to a sum, clipped to an L2 norm and in units of a
 * grid.
 *
 * `Δ · min(1, C / ‖Δ‖)`, then each value is cut to a whole number of units towards zero, by which
 * no norm grows. The norm of what is added is checked in whole numbers, and made smaller once more
 * where rounding errors of the floats had made it too large.
 *
 * @param sum Sum in units of the grid, as long as the vectors.
 * @param clip Largest norm, above 0.
 * @param unit Size of a unit, above 0 and far below the clip.
 * @throws {RangeError} If the change is not finite; the sum is as before.
 */
export function addClipped(
  sum: Float64Array,
  { from, to }: { readonly from: ParameterVector; readonly to: ParameterVector },
  { clip, unit }: { readonly clip: number; readonly unit: number },
): ClippedChange {
  let squares = 0;
  for (let i = 0; i < to.length; i++) {
    const change = (to[i] ?? 0) - (from[i] ?? 0);
    squares += change * change;
  }
  const norm = Math.sqrt(squares);
  if (!Number.isFinite(norm)) {
    throw new RangeError(`Cannot clip the update: expected a finite change, got a norm of ${norm}`);
  }
  const isWithin = norm <= clip;
  let factor = (isWithin ? 1 : clip / norm) / unit;
  const most = Math.floor((clip / unit) ** 2);
  for (;;) {
    let total = 0;
    for (let i = 0; i < to.length; i++) {
      const units = Math.trunc(((to[i] ?? 0) - (from[i] ?? 0)) * factor);
      total += units * units;
    }
    if (total <= most) break;
    factor *= 1 - 1e-9;
  }
  for (let i = 0; i < to.length; i++) {
    sum[i] = (sum[i] ?? 0) + Math.trunc(((to[i] ?? 0) - (from[i] ?? 0)) * factor);
  }
  return { norm, isWithin };
}
