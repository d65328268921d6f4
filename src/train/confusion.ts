import { argmax, yesOrNo } from "./losses.ts";

/** Most classes for which a matrix is counted: of words or pixels it would be larger than the model. */
const MOST_CLASSES = 1000;

/**
 * How many counts say what a classifier took each class for, of data with so many classes: none for too many. They are a row for each
 * true class, in it a column for each class, and a last one for what is none of them: what a model with more outputs may still
 * answer, and NaN.
 */
export function countsLength(numClasses: number): number {
  return numClasses > MOST_CLASSES ? 0 : numClasses * (numClasses + 1);
}

/** The number of classes of counts: n (n + 1) of them are for n. */
function classesOf({ length }: Uint32Array): number {
  return Math.floor(Math.sqrt(length));
}

/** Adds rows of a model's output to the counts: the first of the largest values is the answer, of a single one whether it is above a half. */
export function countAnswers(
  counts: Uint32Array,
  output: Float32Array,
  labels: Int32Array,
  units: number,
): void {
  const classes = classesOf(counts);
  labels.forEach((label, row) => {
    const answer = units === 1 && classes === 2
      ? yesOrNo(output[row] ?? NaN)
      : argmax(output, row * units, units);
    const at = label * (classes + 1) + (answer < 0 ? classes : Math.min(answer, classes));
    counts[at] = (counts[at] ?? 0) + 1;
  });
}

/** The counts as rows; without the last column where nothing is in it. */
export function confusionOf(counts: Uint32Array): readonly (readonly number[])[] {
  const classes = classesOf(counts), width = classes + 1;
  const isKnown = counts.every((count, i) => count === 0 || i % width < classes);
  return Array.from(
    { length: classes },
    (_, label) => [...counts.subarray(label * width, (label + 1) * width - (isKnown ? 1 : 0))],
  );
}
