import { Random } from "../../base/random.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { DEFAULT_PLAN } from "../../round/handler/client_plan.ts";
import type { ClientUpdate, Strategy } from "../../strategy/strategy.ts";

/** Makes a vector of standard normal numbers. */
export function normalVector(length: number, rank: number): ParameterVector {
  const random = new Random(11, "test", { rank });
  return Float32Array.from({ length }, () => random.normal());
}

/** Makes an update with every field that a strategy may need. */
export function updateOf(
  rank: number,
  parameters: ParameterVector,
  more: Partial<ClientUpdate> = {},
): ClientUpdate {
  const metrics = { initialLoss: 0.5 + rank / 8 };
  return { rank, parameters, numSamples: 7 * rank - 6, steps: 1 + rank % 3, metrics, ...more };
}

/** Information about a round that a strategy gets. */
export const INFO = { round: 1, numClients: 20, plan: DEFAULT_PLAN };

/** Runs a round of a strategy and returns a copy of the result. */
export function roundOf(
  strategy: Strategy,
  global: ParameterVector,
  updates: readonly ClientUpdate[],
): ParameterVector {
  const round = strategy.begin(global, INFO);
  for (const update of updates) round.accept(update);
  return round.finish().slice();
}

/** Returns the bits of a vector, which tell -0 from 0 and compare NaN. */
export function bitsOf(vector: ParameterVector): Uint32Array {
  return new Uint32Array(vector.slice().buffer);
}
