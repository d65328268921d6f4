import { kernelsOf, vectorLike } from "../params/kernels.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { RoundInfo } from "./strategy.ts";

/**
 * Returns the vector of the round before if it fits the global one, else a vector of zeros as long
 * as that, in the same arena.
 */
export function workingVector(
  before: ParameterVector | undefined,
  global: ParameterVector,
): ParameterVector {
  return before?.length === global.length && kernelsOf(before) === kernelsOf(global)
    ? before
    : vectorLike(global);
}

/**
 * Returns the information on a round, for a strategy that needs it.
 *
 * @throws {TypeError} If it was not given.
 */
export function needInfo(name: string, info: RoundInfo | undefined): RoundInfo {
  if (info) return info;
  throw new TypeError(`Cannot begin a round of ${name}: expected what is known of it, got nothing`);
}

/**
 * Returns a vector that lives on from round to round, in the arena of the global one; zeros at
 * first.
 *
 * @throws {RangeError} If it was restored and has another length.
 */
export function restoredVector(
  name: string,
  what: string,
  before: ParameterVector | undefined,
  global: ParameterVector,
): ParameterVector {
  if (before && before.length !== global.length) {
    throw new RangeError(
      `Cannot go on with ${name}: expected ${global.length} values of ${what}, got ${before.length}`,
    );
  }
  const vector = workingVector(before, global);
  if (before && vector !== before) vector.set(before);
  return vector;
}

/**
 * Copies a vector of a strategy's saved state, which may have been altered.
 *
 * @throws {TypeError} If there is no such vector.
 * @throws {RangeError} If a value in it is not finite.
 */
export function savedVector(
  strategy: string,
  name: string,
  vectors: Readonly<Record<string, unknown>>,
): ParameterVector {
  const vector = Object.hasOwn(vectors, name) ? vectors[name] : undefined;
  if (!(vector instanceof Float32Array)) {
    throw new TypeError(`Cannot restore ${strategy}: expected a vector ${name}, got none`);
  }
  const wrong = vector.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new RangeError(
      `Cannot restore ${strategy}: expected finite values of ${name}, got ${
        vector[wrong]
      } at ${wrong}`,
    );
  }
  return vector.slice();
}
