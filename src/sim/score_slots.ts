import {
  MAX_SCORE_BINS,
  MAX_SCORED_CLASSES,
  type MetricSums,
  type ScoreHistogram,
} from "../plan/metric_sums.ts";
import { binsOf, histogramOf } from "../train/metrics/score_histogram.ts";

/** Numbers before the bins of a histogram: its shift, and the number of those that follow. */
const HEAD = 2;
/** Numbers of a slot: the number of histograms, and each of them. */
const SLOT_NUMBERS = 1 + HEAD * MAX_SCORED_CLASSES + 3 * MAX_SCORE_BINS;

/** Memory of {@linkcode ScoreSlots}, in a form that can be posted to a worker. */
export type ScoreMemory = SharedArrayBuffer;

/**
 * Slots for the histograms of an evaluation's scores, as numbers in memory that threads share: most
 * of what an evaluation gives.
 */
export class ScoreSlots {
  readonly #numbers: Float64Array;

  /** Uses the memory of another thread's slots. */
  constructor(memory: ScoreMemory) {
    this.#numbers = new Float64Array(memory);
  }

  /** Creates memory for a number of slots. */
  static createMemory(slots: number): ScoreMemory {
    return new SharedArrayBuffer(slots * SLOT_NUMBERS * Float64Array.BYTES_PER_ELEMENT);
  }

  /**
   * Writes the histograms of sums, if there are any and they are no longer than a slot.
   *
   * @returns The sums without what was written.
   */
  takeOut(slot: number, sums: MetricSums): MetricSums {
    const numbers = this.#numbers;
    let at = slot * SLOT_NUMBERS;
    numbers[at] = 0;
    if (sums.task === "regression" || !sums.scores?.length) return sums;
    const { scores, ...others } = sums, all = scores.map(binsOf);
    if (all.reduce((sum, { bins }) => sum + HEAD + bins.length, 1) > SLOT_NUMBERS) return sums;
    numbers[at++] = all.length;
    for (const { shift, bins } of all) {
      numbers[at] = shift;
      numbers[at + 1] = bins.length;
      numbers.set(bins, at + HEAD);
      at += HEAD + bins.length;
    }
    return others;
  }

  /** Returns sums with the histograms that were taken out of them. */
  putBack(slot: number, sums: MetricSums): MetricSums {
    const numbers = this.#numbers;
    let at = slot * SLOT_NUMBERS;
    const count = numbers[at++] ?? 0, scores: ScoreHistogram[] = [];
    while (scores.length < count) {
      const shift = numbers[at] ?? 0, from = at + HEAD, to = from + (numbers[at + 1] ?? 0);
      scores.push(histogramOf({ shift, bins: numbers.slice(from, to) }));
      at = to;
    }
    return count > 0 && sums.task !== "regression" ? { ...sums, scores } : sums;
  }
}
