import { CLASS_TOTALS_LAYOUT, ROW_SCORES_LAYOUT } from "../generated/kernels_exports.ts";
import type { Pointer } from "./instance.ts";
import { pick } from "./sweep.ts";

/** Values of the kernel's `RowScores`. */
const FIGURES = ROW_SCORES_LAYOUT.size / Float64Array.BYTES_PER_ELEMENT;
/** Values of spare room for each class. */
const SPARE = 8;
/** Most rows and values of a call: what is computed of them stays in the cache. */
const MOST_ROWS = 256, MOST_VALUES = 8192;

/** Scores of rows of a classifier's output, in arrays that the next call overwrites. */
export interface ClassScores {
  /** Number of rows. */
  readonly rows: number;
  /** Number of classes. */
  readonly units: number;
  /** Address of the labels, in the memory of the figures. */
  readonly labelsAt: Pointer;
  /**
   * Four figures of each row: the sum over the classes of its squared errors, the logit of its
   * class, the probability of the answer, and the answer, -1 for none.
   */
  readonly figures: Float64Array;
  /**
   * For each class and row, `[units, rows]`, twice the bin of the class's logit, and one more where
   * the row is of the class.
   */
  readonly codes: Int32Array;
}

/**
 * Computes the scores of rows of logits, `[labels.length, units]`, and passes them on in pieces.
 *
 * @param units Number of classes, at most 1000.
 */
export function classScores(
  logits: Float32Array,
  labels: Int32Array,
  units: number,
  take: (scores: ClassScores) => void,
): void {
  const instance = pick([logits]), { exports, buffer, scratch } = instance;
  const [logitsAt = 0, codesAt = 0, restAt = 0] = scratch;
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_VALUES / units)));
  const figuresAt = restAt, spareAt = figuresAt + 8 * FIGURES * most;
  const labelsAt = spareAt + 8 * SPARE * units;
  const length = labels.length;
  for (let from = 0; from < length; from += most) {
    const rows = Math.min(most, length - from);
    const part = labels.subarray(from, from + rows);
    new Int32Array(buffer, labelsAt, rows).set(part);
    const piece = logits.subarray(from * units, (from + rows) * units);
    const isLocal = piece.buffer === buffer;
    if (!isLocal) new Float32Array(buffer, logitsAt, piece.length).set(piece);
    const at = isLocal ? piece.byteOffset : logitsAt;
    exports.class_scores(at, labelsAt, rows, units, spareAt, codesAt, figuresAt);
    take({
      ...{ rows, units, labelsAt },
      figures: new Float64Array(buffer, figuresAt, FIGURES * rows),
      codes: new Int32Array(buffer, codesAt, units * rows),
    });
  }
}

/** Values of the kernel's `ClassTotals`. */
export const TOTALS: number = CLASS_TOTALS_LAYOUT.size / Float64Array.BYTES_PER_ELEMENT;

/**
 * Adds the scores of rows, before the next call of {@linkcode classScores}, to sums in their order.
 *
 * @param totals Right rows, cross-entropies and Brier scores, then for each of the 15 bins of
 * confidence: answers, sum of their confidences, right answers.
 * @param answers Rows of each class by their answer, `[units, units + 1]`, with a last column for
 * rows without one; `undefined` to count none.
 */
export function addScores(
  { rows, figures, labelsAt, units }: ClassScores,
  totals: Float64Array,
  answers: Float64Array | undefined,
): void {
  const { exports, buffer } = pick([figures]);
  const totalsAt = Math.ceil((labelsAt + 4 * rows) / 8) * 8, answersAt = totalsAt + 8 * TOTALS;
  const sums = new Float64Array(buffer, totalsAt, TOTALS + (answers?.length ?? 0));
  sums.set(totals);
  if (answers) sums.set(answers, TOTALS);
  exports.add_scores(
    figures.byteOffset,
    labelsAt,
    rows,
    units,
    totalsAt,
    answers ? answersAt : 0,
  );
  totals.set(sums.subarray(0, TOTALS));
  answers?.set(sums.subarray(TOTALS));
}
