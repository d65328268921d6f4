import { isKnownFinite } from "../params/finite_vectors.ts";
import { countNonFinite } from "../params/kernels.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";

/** Throws a `RangeError` if a vector has another length than the model's, or is not finite. */
export function checkParameters(vector: ParameterVector, { length }: Manifest): void {
  if (vector.length !== length) {
    throw new RangeError(
      `Cannot load parameters: expected ${length} values, got ${vector.length}`,
    );
  }
  if (isKnownFinite(vector)) return;
  const nonFinite = countNonFinite(vector);
  if (nonFinite === 0) return;
  throw new RangeError(
    `Cannot load parameters: expected finite values, got ${nonFinite} that are not`,
  );
}
