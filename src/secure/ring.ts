import { checkInRange } from "../base/check.ts";

/** Bits of the ring: sums are taken modulo 2^32. */
export const RING_BITS = 32;
/** Largest unsigned sum of a lane. */
const MOST_SUM = 2 ** RING_BITS - 1;
/** Largest magnitude of a signed sum of a value. */
const MOST_SIGNED = 2 ** (RING_BITS - 1) - 1;

/** Settings that a run agrees on, so that no sum can overflow. */
export interface RingSettings {
  /** Largest magnitude of a value of an update; what exceeds it is clamped, and counted. */
  readonly clip: number;
  /** Number of samples from which on a client has the largest weight. */
  readonly maxSamples: number;
  /** Largest number of members of a session. */
  readonly maxMembers: number;
  /**
   * Largest loss; a larger one counts as this.
   *
   * @default {64}
   */
  readonly maxLoss?: number;
  /**
   * Rounding of values: at random, without a bias, or toward 0, so that no norm grows.
   *
   * @default {"random"}
   */
  readonly rounding?: "random" | "toward-zero";
}

/** Ring of integers modulo 2^32 in which no sum of the members' values overflows. */
export interface Ring extends Required<RingSettings> {
  /** Number of steps from 0 to the clip: the largest magnitude of a member's integer. */
  readonly levels: number;
  /** Largest integer of a member in a lane beside the vector. */
  readonly laneLevels: number;
  /** Factor of the loss, times the samples, in its lane. */
  readonly lossFactor: number;
}

/**
 * Makes the ring of settings. With `maxMembers` integers of at most `levels` each, the magnitude of
 * a sum is below 2^31.
 *
 * @throws {RangeError} If a setting is out of range, or the samples of all members could exceed
 * 2^32 - 1.
 */
export function ringOf(
  { clip, maxSamples, maxMembers, maxLoss = 64, rounding = "random" }: RingSettings,
): Ring {
  const problem = (name: string) => `Cannot make the ring: ${name}`;
  // Its square and its step must be normal numbers of float32.
  checkInRange(clip, { least: 2 ** -60, most: 2 ** 60 }, problem("clip"), "2^-60 to 2^60");
  checkInRange(maxLoss, { above: 0, most: 2 ** 60 }, problem("maxLoss"));
  checkInRange(maxMembers, { whole: true, least: 3, most: 2 ** 20 }, problem("maxMembers"));
  const most = Math.floor(MOST_SUM / maxMembers);
  checkInRange(maxSamples, { whole: true, least: 1, most }, problem("maxSamples"));
  if (rounding !== "random" && rounding !== "toward-zero") {
    throw new RangeError(
      `${problem("rounding")}: expected "random" or "toward-zero", got ${rounding}`,
    );
  }
  return {
    ...{ clip, maxSamples, maxMembers, maxLoss, rounding },
    levels: Math.floor(MOST_SIGNED / maxMembers),
    laneLevels: most,
    lossFactor: most / (maxSamples * maxLoss),
  };
}

/**
 * Checks that a session does not have more members than its ring allows.
 *
 * @throws {RangeError} If it has.
 */
export function checkMembers(ring: Ring, members: number): void {
  checkInRange(
    members,
    { whole: true, least: 3, most: ring.maxMembers },
    "Cannot begin the session",
    `3 to ${ring.maxMembers} members, for which sums cannot overflow`,
  );
}
