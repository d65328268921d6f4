/**
 * Options of the privacy that a client gives its own data.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange, checkSeed } from "../../base/check.ts";
import { checkDelta, checkEpsilon } from "../accounting/gaussian.ts";
import type { LedgerStore } from "../ledger/client_ledger.ts";

const PROBLEM = "Cannot keep the client's data private";
/** Range of noise multipliers: with less noise the whole numbers in floats become too large. */
const LEAST_NOISE = 0.05, MOST_NOISE = 1e4;

/** Options of `DPSGD` and `LocalPrivacy`. */
export interface ClientPrivacyOptions {
  /**
   * Largest ε that the client spends; it stops before a round that would pass it. Required without
   * `noise`, which then follows from it.
   */
  readonly epsilon?: number;
  /** Noise multiplier: standard deviation of the noise, divided by the clip. */
  readonly noise?: number;
  /** δ of the guarantee, above 0 and below 1; far below 1 / number of records, or of clients. */
  readonly delta: number;
  /** Largest L2 norm of a record's gradient, or of the update; larger ones are scaled down. */
  readonly clip: number;
  /**
   * Number of rounds that the client takes part in at most, from which the noise follows.
   *
   * @default {undefined} All rounds of the run.
   */
  readonly rounds?: number;
  /**
   * Place of the ledger.
   *
   * @default {undefined} The ledger ends with its process.
   */
  readonly store?: LedgerStore;
  /**
   * Seed of noise and batches, for tests alone: then nothing is guaranteed, and the report says so.
   *
   * @default {undefined} The noise is made of random bits of the system.
   */
  readonly noiseSeed?: number;
}

/**
 * Checks the options.
 *
 * @throws {RangeError} If one is out of range or missing.
 */
export function checkClientPrivacy(options: ClientPrivacyOptions): void {
  const { epsilon, noise, clip, rounds, noiseSeed } = options;
  if (epsilon === undefined && noise === undefined) {
    throw new RangeError(`${PROBLEM}: expected epsilon or noise, got neither`);
  }
  const { delta }: Partial<ClientPrivacyOptions> = options;
  if (delta === undefined) {
    throw new RangeError(`${PROBLEM}: expected delta beside epsilon, such as 1e-5, got none`);
  }
  checkDelta(delta);
  if (epsilon !== undefined) checkEpsilon(epsilon);
  if (noise !== undefined) checkClientNoise(noise);
  checkInRange(clip, { above: 0 }, PROBLEM, "a finite clip above 0");
  if (rounds !== undefined) {
    checkInRange(rounds, AT_LEAST_ONE, PROBLEM, "a whole number of rounds from 1");
  }
  if (noiseSeed !== undefined) checkSeed(noiseSeed);
}

/**
 * Returns a noise multiplier if a client can add it.
 *
 * @throws {RangeError} If it is out of range, such as one that no noise for an ε gives.
 */
export function checkClientNoise(noise: number): number {
  const range = { least: LEAST_NOISE, most: MOST_NOISE };
  const expected = `a noise multiplier from ${LEAST_NOISE} to ${MOST_NOISE}`;
  return checkInRange(noise, range, PROBLEM, expected);
}

/** Least noise multiplier that is searched for an ε. */
export { LEAST_NOISE };
