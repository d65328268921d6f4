import { stats } from "../params/kernels.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { StrategyState } from "../strategy/strategy.ts";

/** An algorithm that keeps vectors. */
interface Keeper {
  readonly name: string;
  readonly control?: ParameterVector | undefined;
  save?(): StrategyState;
}

/** What an algorithm made is not finite. */
export class NonFiniteResultError extends Error {}

/**
 * Throws a {@linkcode NonFiniteResultError} that says what cannot be done when the parameters that
 * an algorithm made, or a vector that it sends or keeps, are not finite: from finite updates there
 * come others where numbers grow past those of float32.
 */
export function checkFinite(what: string, parameters: ParameterVector, keeper: Keeper): void {
  const { name, control, save } = keeper;
  const vectors = { ...control && { control }, ...save?.call(keeper).vectors };
  for (const [part, vector] of Object.entries({ ...vectors, parameters })) {
    const { nonFinite } = stats(vector);
    if (nonFinite === 0) continue;
    throw new NonFiniteResultError(
      `${what}: expected finite ${part} of ${name}, got ${nonFinite} of ${vector.length} values that are not`,
    );
  }
}
