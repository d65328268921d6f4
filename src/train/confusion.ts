import { answerOf, type OutputKind } from "./losses/loss.ts";

/**
 * Most classes for which predictions are counted: for words or pixels the matrix would be larger
 * than the model.
 */
const MOST_CLASSES = 1000;

/**
 * Returns the number of counts of the confusion matrix of a classifier, 0 for too many classes.
 *
 * The counts are a row for each true class, with a column for each class and a last column for
 * other outputs: further outputs of the model, and NaN.
 */
export function countsLength(numClasses: number): number {
  return numClasses > MOST_CLASSES ? 0 : numClasses * (numClasses + 1);
}

/** Returns the number of classes of the counts: n for n (n + 1) counts. */
function classesOf({ length }: Uint32Array): number {
  return Math.floor(Math.sqrt(length));
}

/**
 * Counts the predictions in rows of a model's output: the first of the largest values, or for a
 * single value whether it is above 0.5, or a logit above 0.
 */
export function countAnswers(
  counts: Uint32Array,
  kind: Exclude<OutputKind, "measure">,
  output: Float32Array,
  labels: ArrayLike<number>,
): void {
  const classes = classesOf(counts), units = output.length / labels.length;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    if (label < 0) continue;
    const answer = answerOf(kind, output, row, units);
    const at = label * (classes + 1) +
      (answer < 0 ? classes : Math.min(answer, classes));
    counts[at] = (counts[at] ?? 0) + 1;
  }
}

/**
 * Adds predictions that are counted by true class and answer, `[outputs, outputs + 1]`, with a last
 * column for none.
 */
export function addAnswers(counts: Uint32Array, answers: Float64Array): void {
  const classes = classesOf(counts), outputs = Math.floor(Math.sqrt(answers.length));
  for (let label = 0; label < Math.min(classes, outputs); label++) {
    for (let answer = 0; answer <= outputs; answer++) {
      const column = answer < outputs ? Math.min(answer, classes) : classes;
      const at = label * (classes + 1) + column;
      counts[at] = (counts[at] ?? 0) + (answers[label * (outputs + 1) + answer] ?? 0);
    }
  }
}

/** Returns the counts as rows, without the last column if it is empty. */
export function confusionOf(counts: Uint32Array): readonly (readonly number[])[] {
  const classes = classesOf(counts), width = classes + 1;
  const isKnown = counts.every((count, i) => count === 0 || i % width < classes);
  return Array.from(
    { length: classes },
    (_, label) => [...counts.subarray(label * width, (label + 1) * width - (isKnown ? 1 : 0))],
  );
}

/** Returns the share of a class's samples that were classified correctly. */
export function shareOfRight(row: readonly number[], label: number): number | null {
  const total = row.reduce((sum, count) => sum + count, 0);
  return total === 0 ? null : (row[label] ?? 0) / total;
}
