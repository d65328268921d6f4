/**
 * Sums of changes that clients have clipped themselves, in a ring of 32 bits.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import type { RingVector } from "../../secure/quantize.ts";
import type { RingSettings } from "../../secure/ring.ts";
import type { Grid } from "./mechanism.ts";

const HALF_RING = 2 ** 31;

/** Returns the largest number of units in a value of a client's change. */
function mostUnits({ clip, unit }: Grid): number {
  return Math.floor(clip / unit);
}

/**
 * Returns the ring in which the changes of a cohort are summed, with the unit of a grid.
 *
 * A sum may have twice the magnitude that honest members can reach before it wraps around, which
 * {@linkcode foldedSum} needs.
 *
 * @param cohort Largest number of members, from 3.
 * @throws {RangeError} If there is no room for the sums.
 */
export function clippedRing(grid: Grid, cohort: number): RingSettings {
  const { clip, unit } = grid, most = Math.floor(HALF_RING / 2 / mostUnits(grid));
  checkInRange(
    cohort,
    { whole: true, least: 3, most },
    "Cannot add up clipped updates",
    `a cohort of 3 to ${most} members for the noise of ${+(unit / clip).toPrecision(
      3,
    )} clips a unit`,
  );
  const levels = Math.floor((HALF_RING - 1) / cohort);
  return { clip: unit * levels, maxSamples: 1, maxMembers: cohort, rounding: "toward-zero" };
}

/**
 * Reads a sum modulo 2^32 as whole numbers that one member changes by no more than its own clipped
 * change, whatever the others have sent.
 *
 * With honest members alone, a sum has a magnitude of `cohort · C / unit` at most and is returned
 * as it is. Members that do not clip could bring it to where it wraps around, so that the change of
 * another one would move it by 2^32. So magnitudes beyond `most` fall again, to 0 at twice of it
 * and above: on the circle of the ring the result is a function without jumps, of slope 1 at most.
 *
 * @param length Number of values, without the lanes.
 */
export function foldedSum(
  sums: RingVector,
  length: number,
  { grid, cohort }: { readonly grid: Grid; readonly cohort: number },
): Float64Array {
  const most = cohort * mostUnits(grid), folded = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const value = (sums[i] ?? 0) | 0, size = Math.abs(value);
    folded[i] = size <= most ? value : Math.sign(value) * Math.max(0, 2 * most - size);
  }
  return folded;
}
