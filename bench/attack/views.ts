import { DEFAULT_PLAN, type ParameterVector } from "../../mod.ts";
import { CentralPrivacy } from "../../src/privacy/mod.ts";
import { addMeanUpdate, ClearSum, LANES, quantizeUpdate, ringOf } from "../../src/secure/mod.ts";

/** Plan of the rounds that the noise of differential privacy is made for, and δ. */
export interface PrivatePlan {
  readonly rounds: number;
  readonly clients: number;
  readonly cohort: number;
}

/** δ of the guarantees. */
export const DELTA = 1e-5;
/** Largest norm of an update. */
export const CLIP = 0.3;

/** Names of the protections, in the order of the tables. */
export const PROTECTIONS = ["nothing", "secure aggregation", "epsilon 8", "epsilon 1"] as const;
/** Name of a protection. */
export type Protection = typeof PROTECTIONS[number];

/** ε of the protections that have one. */
export const EPSILON: Partial<Record<Protection, number>> = { "epsilon 8": 8, "epsilon 1": 1 };

/**
 * Returns what an attacker has of a victim's update, the first of a round.
 *
 * With nothing he has the update itself, as the server has. With secure aggregation he has the sum
 * of the updates: the integers that clients really send, added up without their masks. With
 * differential privacy he has what the strategy releases, and knows all other updates, which are
 * subtracted: that is the attacker of its guarantee.
 */
export function viewOf(
  updates: readonly ParameterVector[],
  protection: Protection,
  plan: PrivatePlan,
): ParameterVector {
  const [victim = new Float32Array()] = updates;
  const epsilon = EPSILON[protection];
  if (epsilon !== undefined) return released(victim, epsilon, plan);
  return protection === "nothing" ? victim : summed(updates);
}

/** Returns the sum of updates of one weight, as secure aggregation computes it. */
export function summed(updates: readonly ParameterVector[]): ParameterVector {
  const length = updates[0]?.length ?? 0;
  const ring = ringOf({ clip: 8, maxSamples: 1, maxMembers: updates.length });
  const sum = new ClearSum(length + LANES);
  updates.forEach((update, i) => {
    const figures = { samples: 1, loss: 0, steps: 1 };
    const quantized = new Uint32Array(length + LANES);
    quantizeUpdate(ring, update, figures, { seed: 1, round: 1, rank: i + 1 }, quantized);
    sum.add(quantized);
  });
  const mean = new Float32Array(length);
  addMeanUpdate(ring, sum.finish(), new Float32Array(length), mean);
  return mean.map((value) => value * updates.length);
}

function released(victim: ParameterVector, epsilon: number, plan: PrivatePlan): ParameterVector {
  const strategy = new CentralPrivacy({
    ...{ mechanism: "ftrl", epsilon, delta: DELTA, clip: CLIP, ...plan },
  });
  const zero = new Float32Array(victim.length);
  const round = strategy.begin(zero, { round: 1, numClients: plan.clients, plan: DEFAULT_PLAN });
  round.accept({ rank: 1, parameters: victim, numSamples: 1 });
  return round.finish().map((value) => value * plan.cohort);
}
