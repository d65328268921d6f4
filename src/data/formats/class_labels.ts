/**
 * Checks of class labels.
 *
 * @module
 */

import { MAX_CLASSES } from "../limits.ts";

/** Names of labelled data and of its rows, for messages. */
interface Source {
  readonly name: string;
  readonly place: (row: number) => string;
}

/**
 * Checks labels and gives the number of classes: `numClasses` if it is given, else one more than
 * the largest label.
 *
 * @param source `name` is the name of the data in messages; `place` gives the name of a row.
 * @throws {RangeError} If a label or the number of classes is out of range.
 */
export function countClasses(
  labels: ArrayLike<number>,
  numClasses: number | undefined,
  { name, place }: Source,
): number {
  if (
    numClasses !== undefined &&
    (!Number.isInteger(numClasses) || numClasses < 1 || numClasses > MAX_CLASSES)
  ) {
    throw new RangeError(
      `Cannot read ${name}: expected a number of classes from 1 to ${MAX_CLASSES}, got ${numClasses}`,
    );
  }
  const limit = numClasses ?? MAX_CLASSES;
  let greatest = -1;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? -1;
    if (!Number.isInteger(label) || label < 0 || label >= limit) {
      throw new RangeError(
        `Cannot read ${name}: expected labels from 0 to ${limit - 1}, got ${label} in ${
          place(row)
        }`,
      );
    }
    if (label > greatest) greatest = label;
  }
  return numClasses ?? greatest + 1;
}
