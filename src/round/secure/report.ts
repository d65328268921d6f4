/**
 * Reports of runs with secure aggregation.
 *
 * @module
 */

import { readLanes, type RingVector } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import type { SecureStages } from "../../secure/server/options.ts";
import type { TrainingFields } from "../report/client_results.ts";

/** Session of secure aggregation in a round: its graph, its members by stage, and its sums. */
export interface SecureRoundReport extends SecureStages {
  /** Samples of the members in the sum, each counted up to the largest weight. */
  readonly samples: number;
  /** Steps of the members in the sum. */
  readonly steps: number;
  /** Number of values that exceeded the clip, over all members in the sum. */
  readonly clamped: number;
}

/** Guarantee of secure aggregation in a run. */
export interface SecureRunReport {
  /** Protocol, and way in which its messages are protected against the server. */
  readonly protocol: "secagg+" | "secagg+ signed";
  /** Knowledge that the server gains, in one line. */
  readonly guarantee: string;
  /** Smallest number of members of a round. */
  readonly minMembers: number;
  /** Largest number of members of a round. */
  readonly maxMembers: number;
  /** Largest magnitude of a value of an update. */
  readonly clip: number;
  /** Number of samples from which on all clients have the same weight. */
  readonly maxSamples: number;
}

/** Makes the fields of a round's report of its sum. */
export function sumReport(ring: Ring, sums: RingVector, stages: SecureStages): TrainingFields {
  const { loss, samples, steps, clamped } = readLanes(ring, sums);
  // Members that add noise tell no figures: then no steps are in the sum.
  return { ...(steps > 0 && { trainLoss: loss }), secure: { ...stages, samples, steps, clamped } };
}
