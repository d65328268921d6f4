/**
 * The check that all readers make of class labels.
 *
 * @module
 */

/** Above this a label is taken for a mistake, such as a column of identifiers. */
const MAX_CLASSES = 65_536;

/**
 * Number of classes of the labels: `numClasses` when it is given, else one more than the greatest label.
 *
 * `place` names a row for the error, `name` what is read.
 */
export function countClasses(
  labels: ArrayLike<number>,
  numClasses: number | undefined,
  { name, place }: { name: string; place: (row: number) => string },
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
