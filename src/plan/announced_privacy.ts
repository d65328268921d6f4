/**
 * Announcement of a run's privacy by its server.
 *
 * @module
 */

import { v } from "./deps.ts";
import { finiteNumber, textLine } from "./schemas.ts";

/** Guarantee for the clients of a run, as its server announces it to each of them. */
export interface AnnouncedPrivacy {
  /** Data that two neighbouring runs differ in, such as `"client"`: all data of one client. */
  readonly unit: string;
  /** Name of the mechanism, such as `"ftrl"`. */
  readonly mechanism: string;
  /** Largest ε after all rounds. Absent where nothing is guaranteed. */
  readonly epsilon?: number;
  /** δ of the guarantee. */
  readonly delta: number;
  /** Largest L2 norm of an update in the first round; longer ones are scaled down to it. */
  readonly clip: number;
  /** Standard deviation of the noise on the sum of a round's updates, divided by the clip. */
  readonly noise: number;
  /** Reason for which nothing is guaranteed; absent where it is. */
  readonly guarantee?: string;
}

const positive = v.pipe(finiteNumber, v.gtValue(0));

/** Check of an announcement that comes from the wire. */
export const announcedPrivacySchema = v.object({
  unit: textLine(16),
  mechanism: textLine(16),
  epsilon: v.exactOptional(positive),
  delta: v.pipe(finiteNumber, v.gtValue(0), v.ltValue(1)),
  clip: positive,
  noise: positive,
  guarantee: v.exactOptional(textLine(128)),
});

/** Weakest guarantee with which a client takes part. */
export interface RequiredPrivacy {
  /** Largest ε. */
  readonly maxEpsilon: number;
  /** Largest δ. */
  readonly maxDelta: number;
}

/**
 * Returns the reason for which an announcement is weaker than a client requires; `undefined` where
 * it is not.
 *
 * @param announced The announcement; `undefined` for a server that announces none.
 */
export function weakness(
  announced: AnnouncedPrivacy | undefined,
  { maxEpsilon, maxDelta }: RequiredPrivacy,
): string | undefined {
  const expected = `expected differential privacy of epsilon ${maxEpsilon} and delta ${maxDelta}`;
  if (announced === undefined) return `${expected} at most, got a server that announces none`;
  const { unit, mechanism, epsilon, delta, guarantee } = announced;
  if (guarantee !== undefined || epsilon === undefined) {
    return `${expected} at most, got ${mechanism}, which guarantees ${guarantee ?? "nothing"}`;
  }
  if (unit !== "client") {
    return `${expected} at most for all data of a client, got one for each ${unit}`;
  }
  if (epsilon <= maxEpsilon && delta <= maxDelta) return undefined;
  return `${expected} at most, got epsilon ${+epsilon.toPrecision(6)} and delta ${delta}`;
}
