import { Random } from "../../base/random.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { DEFAULT_PLAN } from "../../round/handler/client_plan.ts";
import type { ClientUpdate, Strategy } from "../../strategy/strategy.ts";

/** A vector of standard normal numbers. */
export function normalVector(length: number, rank: number): ParameterVector {
  const random = new Random(11, "test", { rank });
  return Float32Array.from({ length }, () => random.normal());
}

/** An update that has all that any strategy needs. */
export function updateOf(
  rank: number,
  parameters: ParameterVector,
  more: Partial<ClientUpdate> = {},
): ClientUpdate {
  const metrics = { initialLoss: 0.5 + rank / 8 };
  return { rank, parameters, numSamples: 7 * rank - 6, steps: 1 + rank % 3, metrics, ...more };
}

/** What a strategy is told of a round. */
export const INFO = { round: 1, numClients: 20, plan: DEFAULT_PLAN };

/** A round of that strategy, from beginning to end; the result is a copy. */
export function roundOf(
  strategy: Strategy,
  global: ParameterVector,
  updates: readonly ClientUpdate[],
): ParameterVector {
  const round = strategy.begin(global, INFO);
  for (const update of updates) round.accept(update);
  return round.finish().slice();
}

/** A vector's bits, so that -0 and NaN count too. */
export function bitsOf(vector: ParameterVector): Uint32Array {
  return new Uint32Array(vector.slice().buffer);
}
