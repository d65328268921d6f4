import { pick } from "./sweep.ts";

/** Most codes of a call. */
export const MOST_CODES = 4096;

const BYTES = Int32Array.BYTES_PER_ELEMENT;

/** Occupied bins of scores. */
export interface ScoreBins {
  /** Number of times that bins were joined in pairs. */
  readonly shift: number;
  /**
   * Three numbers of each bin, in rising order: its number less that of the bin before, the rows
   * that are not of the class, and those that are.
   */
  readonly bins: Float64Array;
}

/**
 * Counts scores, each given by twice the number of its bin, and one more where the row is of the
 * class. Bins are joined in pairs until at most `most` are occupied.
 *
 * @param codes At most {@linkcode MOST_CODES} numbers below 2^24.
 * @param near A view whose memory the kernel runs in, if it is that of kernels.
 */
export function scoreBins(
  codes: Int32Array,
  most: number,
  near: ArrayBufferView = codes,
): ScoreBins {
  const { exports, buffer, scratch } = pick([near]), { length } = codes;
  // The other blocks may hold the scores of further classes.
  const [codesAt = 0] = scratch;
  const spareAt = codesAt + BYTES * MOST_CODES;
  const shiftAt = spareAt + BYTES * MOST_CODES, binsAt = shiftAt + 8;
  new Int32Array(buffer, codesAt, length).set(codes);
  const count = exports.score_bins(codesAt, length, most, spareAt, binsAt, shiftAt);
  const [shift = 0] = new Uint32Array(buffer, shiftAt, 1);
  return { shift, bins: new Float64Array(buffer, binsAt, 3 * count).slice() };
}
