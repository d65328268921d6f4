import type { Instance, Pointer } from "./instance.ts";
import type { ScoreBins } from "./score_bins.ts";
import { pick } from "./sweep.ts";

/** Most bins of a histogram. */
export const MOST_BINS = 6000;

const BIN_BYTES = 3 * Float64Array.BYTES_PER_ELEMENT;

/**
 * Adds histograms of at most {@linkcode MOST_BINS} bins. It joins bins in pairs until at most
 * `most` are occupied.
 *
 * @throws {RangeError} If there are more bins.
 */
export function addScoreBins(one: ScoreBins, other: ScoreBins, most: number): ScoreBins {
  const { exports, buffer, scratch: [start = 0] } = pick([]);
  const otherAt = start + BIN_BYTES * MOST_BINS, binsAt = otherAt + BIN_BYTES * MOST_BINS;
  const shiftAt = binsAt + 2 * BIN_BYTES * MOST_BINS;
  const count = exports.add_bins(
    start,
    place(buffer, start, one),
    one.shift,
    otherAt,
    place(buffer, otherAt, other),
    other.shift,
    most,
    binsAt,
    shiftAt,
  );
  const [shift = 0] = new Uint32Array(buffer, shiftAt, 1);
  return { shift, bins: new Float64Array(buffer, binsAt, 3 * count).slice() };
}

/** Copies a histogram to the memory of kernels, and returns the number of its bins. */
function place(buffer: Instance["buffer"], at: Pointer, { bins }: ScoreBins): number {
  const count = Math.floor(bins.length / 3);
  if (count > MOST_BINS) {
    throw new RangeError(
      `Cannot add histograms: expected at most ${MOST_BINS} bins, got ${count}`,
    );
  }
  new Float64Array(buffer, at, bins.length).set(bins);
  return count;
}
