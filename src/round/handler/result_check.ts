import { stats } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { StrategyState } from "../../strategy/strategy.ts";

/** Algorithm that may keep vectors or send one. */
interface VectorKeeper {
  readonly name: string;
  readonly control?: ParameterVector | undefined;
  save?(): StrategyState;
}

/** Result of an algorithm is not finite. */
export class NonFiniteResultError extends Error {}

/**
 * Checks that the parameters made by an algorithm and the vectors that it keeps or sends are
 * finite. Finite updates may lead to infinite values where numbers exceed the range of float32.
 *
 * @param action The start of the error message, such as `"Cannot end round 3"`.
 * @throws {NonFiniteResultError} If a value is not finite.
 */
export function checkFinite(
  action: string,
  parameters: ParameterVector,
  keeper: VectorKeeper,
): void {
  const { name, control, save } = keeper;
  const vectors = { ...control && { control }, ...save?.call(keeper).vectors };
  for (const [part, vector] of Object.entries({ ...vectors, parameters })) {
    const { nonFinite } = stats(vector);
    if (nonFinite === 0) continue;
    throw new NonFiniteResultError(
      `${action}: expected finite ${part} of ${name}, got ${nonFinite} of ${vector.length} values that are not`,
    );
  }
}

/**
 * Checks the result of a round.
 *
 * @param action The start of the error message, such as `"Cannot end round 3"`.
 * @throws {RangeError} If the result is not a vector of that length.
 * @throws {NonFiniteResultError} If a value of it, or of the algorithm's vectors, is not finite.
 */
export function checkResult(
  action: string,
  result: ParameterVector,
  length: number,
  keeper: VectorKeeper,
): void {
  // A custom strategy may be plain JavaScript, and return nothing.
  if (!(result instanceof Float32Array) || result.length !== length) {
    throw new RangeError(
      `${action}: expected ${length} values of ${keeper.name}, got ${
        (result as ParameterVector | undefined)?.length ?? "none"
      }`,
    );
  }
  checkFinite(action, result, keeper);
}
