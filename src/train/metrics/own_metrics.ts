import type { EvaluateResult, Metrics } from "../../plan/results.ts";
import { metricsOf } from "./metrics.ts";

/**
 * Returns the metrics of an evaluation that do not follow from its sums: those of an own handler.
 * Over several clients they are averaged, while sums are added.
 */
export function ownMetrics({ metrics, sums }: EvaluateResult): Metrics | undefined {
  if (metrics === undefined || sums === undefined) return metrics;
  const derived: Readonly<Record<string, number>> = metricsOf(sums);
  const own = Object.entries(metrics).filter(([name]) => !Object.hasOwn(derived, name));
  return own.length === 0 ? undefined : Object.fromEntries(own);
}
