import type { ClassSums, MetricSums } from "../../plan/metric_sums.ts";
import { addHistograms, mostBins } from "./score_histogram.ts";

/** Returns a text that is equal for sums that can be added. */
export function shapeOf(sums: MetricSums): string {
  const { task, outputs } = sums;
  const parts = task === "regression" ? [] : [sums.confusion?.length, sums.scores?.length];
  return [task, outputs, ...parts].join(" ");
}

/**
 * Adds sums of the same shape: the result is that of all their rows together.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function addSums(a: MetricSums, b: MetricSums): MetricSums {
  return addAllSums(a, [b]);
}

/**
 * Adds further sums of the same shape, in their order.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function addAllSums(first: MetricSums, others: readonly MetricSums[]): MetricSums {
  const shape = shapeOf(first);
  for (const other of others) {
    if (shapeOf(other) === shape) continue;
    throw new RangeError(
      `Cannot add the sums of metrics: expected those of ${first.outputs} outputs for ${first.task}, ` +
        `got ${other.outputs} for ${other.task}`,
    );
  }
  if (first.task !== "regression") {
    return addClassSums(first, others.filter((sums) => sums.task !== "regression"));
  }
  const measured = others.filter((sums) => sums.task === "regression");
  return {
    ...first,
    samples: total(first, others, ({ samples }) => samples),
    measures: added(first.measures, measured.map(({ measures }) => measures)),
  };
}

function addClassSums(first: ClassSums, others: readonly ClassSums[]): ClassSums {
  const { calibration, confusion, scores } = first;
  const all = [first, ...others];
  return {
    ...first,
    samples: total(first, others, ({ samples }) => samples),
    correct: total(first, others, ({ correct }) => correct),
    logLoss: total(first, others, ({ logLoss }) => logLoss),
    brier: total(first, others, ({ brier }) => brier),
    calibration: added(calibration, others.map(({ calibration }) => calibration)),
    ...(confusion && {
      confusion: added(confusion, others.map(({ confusion }) => confusion ?? [])),
    }),
    ...(scores && {
      scores: scores.map((_, i) =>
        addHistograms(all.flatMap(({ scores }) => scores?.[i] ?? []), mostBins(scores.length))
      ),
    }),
  };
}

function total<Sums>(first: Sums, others: readonly Sums[], of: (sums: Sums) => number): number {
  return others.reduce((sum, one) => sum + of(one), of(first));
}

/** Adds lists in their order, place by place. */
function added(first: readonly number[], others: readonly (readonly number[])[]): number[] {
  const sums = [...first];
  for (const other of others) {
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (other[i] ?? 0);
  }
  return sums;
}
