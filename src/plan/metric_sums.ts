/**
 * Sums of an evaluation, from which metrics are derived.
 *
 * @module
 */

import { v } from "./deps.ts";
import { finiteNumber, wholeNumber } from "./schemas.ts";

/** Number of bins of the confidence of answers, each 1/15 wide (Guo et al. 2017). */
export const CALIBRATION_BINS = 15;

/** Most outputs of sums: for more, the metrics would take longer than the model. */
export const MAX_SUM_OUTPUTS = 1000;

/** Most classes or labels whose answers are counted one by one: a message has 65,536 bytes. */
export const MAX_COUNTED_CLASSES = 50;

/** Most classes or labels whose scores have a histogram each. */
export const MAX_SCORED_CLASSES = 20;

/** Most bins of all histograms of scores together. */
export const MAX_SCORE_BINS = 6000;

/** Bins of the scores at full resolution: 2^23. */
export const SCORE_BINS = 8_388_608;

/**
 * Histogram of the scores of one class or label, for the area under its curves.
 *
 * A score is the logit `ln(p / (1 - p))` of its probability. Bins are 2^-16 wide from -8 to 8 and
 * wider beyond; those of shift `s` are 2^s bins in one.
 */
export interface ScoreHistogram {
  /** Power of two by which bins are joined, from 0. */
  readonly shift: number;
  /**
   * Occupied bins in rising order, three numbers each: the distance from the bin before, or from
   * bin 0; the rows of other classes; the rows of the class.
   */
  readonly bins: readonly number[];
}

/** Sums of a classifier's evaluation. */
export interface ClassSums {
  /** Task. */
  readonly task: "classification" | "multi-label";
  /** Number of classes of the model, or of labels. */
  readonly outputs: number;
  /** Number of rows. */
  readonly samples: number;
  /** Number of rows that are classified correctly: with several labels, in all of them. */
  readonly correct: number;
  /** Sum of the cross-entropies `-ln p` of the rows. */
  readonly logLoss: number;
  /** Sum of the Brier scores of the rows. */
  readonly brier: number;
  /**
   * For each of the 15 bins of confidence three numbers: answers, sum of their confidences, and
   * right answers.
   */
  readonly calibration: readonly number[];
  /**
   * Number of rows of each true class that were classified as each class, row after row; with
   * several labels four numbers for each label: true negatives, false positives, false negatives,
   * true positives. Absent for more than 50 classes or labels.
   */
  readonly confusion?: readonly number[];
  /**
   * Histograms of the scores: that of class 1 for two classes, else one for each class or label.
   * Absent for more than 20 classes or labels.
   */
  readonly scores?: readonly ScoreHistogram[];
}

/** Sums of the evaluation of a model of measures, in the units of the measures. */
export interface MeasureSums {
  /** Task. */
  readonly task: "regression";
  /** Number of measures. */
  readonly outputs: number;
  /** Number of rows. */
  readonly samples: number;
  /**
   * For each measure four numbers: the sums of the targets, of their squares, of the absolute
   * errors, and of the squared errors.
   */
  readonly measures: readonly number[];
}

/** Sums of an evaluation; those of several clients add up to those of all their rows. */
export type MetricSums = ClassSums | MeasureSums;

const count = wholeNumber(0);
const amount = v.pipe(finiteNumber, v.minValue(0));
const outputs = wholeNumber(1, MAX_SUM_OUTPUTS);

const histogram = v.pipe(
  v.object({
    shift: wholeNumber(0, 23),
    bins: v.pipe(v.array(count), v.maxLength(3 * MAX_SCORE_BINS)),
  }),
  v.check(({ bins }) => bins.length % 3 === 0, "whole bins"),
  v.check(
    ({ shift, bins }) =>
      bins.every((gap, i) => i % 3 !== 0 || i === 0 || gap > 0) &&
      bins.reduce((bin, gap, i) => i % 3 === 0 ? bin + gap : bin, 0) < SCORE_BINS / 2 ** shift,
    "rising bins",
  ),
);

const classSums = v.pipe(
  v.object({
    task: v.picklist(["classification", "multi-label"]),
    outputs,
    samples: wholeNumber(1),
    correct: count,
    logLoss: amount,
    brier: amount,
    calibration: v.pipe(v.array(amount), v.length(3 * CALIBRATION_BINS)),
    confusion: v.exactOptional(v.array(count)),
    scores: v.exactOptional(v.array(histogram)),
  }),
  v.check(
    ({ outputs, confusion, ...sums }) =>
      confusion === undefined ||
      confusion.length === confusionLength({ ...sums, outputs }) &&
        outputs <= MAX_COUNTED_CLASSES,
    "a confusion of the outputs",
  ),
  v.check(
    ({ outputs, scores, ...sums }) =>
      scores === undefined ||
      scores.length === numScores({ ...sums, outputs }) && outputs <= MAX_SCORED_CLASSES,
    "scores of the outputs",
  ),
);

const measureSums = v.pipe(
  v.object({
    task: v.literal("regression"),
    outputs,
    samples: wholeNumber(1),
    measures: v.array(finiteNumber),
  }),
  v.check(({ outputs, measures }) => measures.length === 4 * outputs, "sums of the outputs"),
  v.check(
    ({ measures }) => measures.every((sum, i) => i % 4 === 0 || sum >= 0),
    "sums of squares from 0",
  ),
);

/** Check of sums that come from the wire. */
export const metricSumsSchema: v.GenericSchema<unknown, MetricSums> = v.variant("task", [
  classSums,
  measureSums,
]);

/** Returns the number of counts of the confusion. */
export function confusionLength({ task, outputs }: Pick<ClassSums, "task" | "outputs">): number {
  return task === "classification" ? outputs * outputs : 4 * outputs;
}

/** Returns the number of histograms of scores. */
export function numScores({ task, outputs }: Pick<ClassSums, "task" | "outputs">): number {
  return task === "classification" && outputs <= 2 ? 1 : outputs;
}
