import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { TrainPlan } from "../plan/train_plan.ts";

/** Part of a matrix: `count` pieces of `length` values, whose beginnings are `step` apart. */
export interface UnusedPart {
  readonly from: number;
  readonly length: number;
  readonly step: number;
  readonly count: number;
}

/**
 * Finds the rows of `A` `[rank, inputs]` and the columns of `B` `[outputs, rank]` of all adapters
 * past a rank.
 */
export function unusedParts({ tensors }: Manifest, rank: number | undefined): UnusedPart[] {
  return tensors.flatMap(({ name, shape: [rows = 0, columns = 0], offset }): UnusedPart[] => {
    if (rank === undefined) return [];
    if (name.endsWith("/lora_A") && rank < rows) {
      const length = (rows - rank) * columns;
      return [{ from: offset + rank * columns, length, step: length, count: 1 }];
    }
    if (!name.endsWith("/lora_B") || rank >= columns) return [];
    return [{ from: offset + rank, length: columns - rank, step: columns, count: rows }];
  });
}

/** Makes parts of a vector zeros. As both matrices are, their gradients there are zeros too. */
export function clearParts(vector: ParameterVector, parts: readonly UnusedPart[]): void {
  for (const { from, length, step, count } of parts) {
    for (let k = 0; k < count; k++) vector.fill(0, from + k * step, from + k * step + length);
  }
}

/**
 * Checks that the strategy of a plan takes adapters of a lower rank.
 *
 * @throws {RangeError} If it does not: it would count the missing rows and columns as zeros.
 */
export function checkRank(
  parts: readonly UnusedPart[],
  { lowerRanks = false }: Pick<TrainPlan, "lowerRanks">,
): void {
  if (parts.length === 0 || lowerRanks) return;
  throw new RangeError(
    "Cannot train adapters of a lower rank than the model's: expected the strategy flex, which averages their products",
  );
}
