import type { ParameterVector } from "./manifest.ts";
import { countNonFinite } from "./operations.ts";

/** Vectors whose values were found finite. */
const finite = new WeakSet<ParameterVector>();

/**
 * Notes whether all values of a vector are finite, for {@linkcode isKnownFinite}: a vector that
 * many jobs load is searched once. Whoever writes into the vector calls it again.
 */
export function noteFinite(vector: ParameterVector): void {
  if (countNonFinite(vector) === 0) finite.add(vector);
  else finite.delete(vector);
}

/** Returns true for a vector that {@linkcode noteFinite} found finite, false for any other. */
export function isKnownFinite(vector: ParameterVector): boolean {
  return finite.has(vector);
}
