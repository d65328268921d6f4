import type { MetricSums } from "../../plan/metric_sums.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import { addAllSums, shapeOf } from "../../train/metrics/add_sums.ts";

/** Returns the shape that most sums have, the first of equally many; `undefined` of no sums. */
export function commonShape(all: readonly (MetricSums | undefined)[]): string | undefined {
  const counts = new Map<string, number>();
  for (const sums of all) {
    if (sums) counts.set(shapeOf(sums), (counts.get(shapeOf(sums)) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  return counts.entries().find(([, count]) => count === most)?.[0];
}

/**
 * Adds the sums of evaluation results in their order, so that metrics derived from them are those
 * of all samples together.
 *
 * Results without sums, such as those of outputs that are not finite, and sums of another shape
 * than most are left out.
 *
 * @returns The sums; `undefined` unless more than half of the results have them.
 */
export function mergedSums(results: readonly EvaluateResult[]): MetricSums | undefined {
  const shape = commonShape(results.map(({ sums }) => sums));
  const same = results.flatMap(({ sums }) => sums && shapeOf(sums) === shape ? sums : []);
  if (same.length <= results.length / 2) return undefined;
  const [first, ...others] = same;
  return first && addAllSums(first, others);
}
