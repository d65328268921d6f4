/**
 * The check that all readers make of class labels.
 *
 * @module
 */

import { MAX_CLASSES } from "../limits.ts";
import { isClassNumber, isFraction, isMissing, isWhole, quote, toNumber } from "./table/cells.ts";

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

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => name.slice(0, 40)).join(", ");
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}

const NAME_THEM = "name the classes (option classes, --classes)";

/** Fails for labels that cannot be told to be classes: measures, marks of a missing one, whole numbers among names. */
function checkNames(
  names: readonly string[],
  ids: readonly number[],
  { name, place }: { name: string; place: (row: number) => string },
): void {
  const refuse = (id: number, expected: string, wayOut = "") => {
    throw new RangeError(
      `Cannot read ${name}: ${place(ids.indexOf(id))}: expected ${expected}, got ${
        quote(names[id] ?? "")
      }${wayOut}`,
    );
  };
  const fraction = names.findIndex(isFraction);
  if (fraction >= 0) refuse(fraction, "a class label");
  const missing = names.findIndex(isMissing);
  if (missing >= 0) refuse(missing, "a label", `, ${NAME_THEM} if it is one`);
  const areWhole = names.map(isWhole);
  const numWhole = ids.reduce((count, id) => count + (areWhole[id] ? 1 : 0), 0);
  if (numWhole === 0 || numWhole === ids.length) return;
  const isWholeOdd = 2 * numWhole < ids.length;
  refuse(
    areWhole.indexOf(isWholeOdd),
    isWholeOdd ? "a name as other labels are" : "a whole number as other labels are",
    `, ${NAME_THEM} if it is right`,
  );
}

/**
 * Turns labels as a table has them into numbers: `ids` has the index in `names` of each row's. Whole numbers from 0 stay what
 * they are unless `classes` are given; names are numbered by their place in `classes`, or in sorted order.
 */
export function numberClasses(
  names: readonly string[],
  ids: readonly number[],
  { classes: given, numClasses, name, place }: {
    classes?: readonly string[];
    numClasses?: number;
    name: string;
    place: (row: number) => string;
  },
): { labels: Int32Array<ArrayBuffer>; classes: string[] } {
  if (given === undefined && names.every(isClassNumber)) {
    const numbers = names.map(Number);
    // Not yet in an Int32Array: it would wrap what is too large for it, and hide that from the check.
    const labels = ids.map((id) => numbers[id] ?? -1);
    const count = countClasses(labels, numClasses, { name, place });
    return {
      labels: Int32Array.from(labels),
      classes: Array.from({ length: count }, (_, label) => `${label}`),
    };
  }
  if (!given) checkNames(names, ids, { name, place });
  const sorted = names.every(isWhole)
    ? names.toSorted((a, b) => toNumber(a) - toNumber(b))
    : names.toSorted();
  const classes = [...given ?? sorted];
  if (classes.length > MAX_CLASSES) {
    throw new RangeError(
      `Cannot read ${name}: expected at most ${MAX_CLASSES} classes, got ${
        given === undefined ? "more different labels" : classes.length
      }`,
    );
  }
  const labelOf = new Map(classes.map((one, label) => [one, label]));
  const twice = classes.find((one, label) => labelOf.get(one) !== label);
  if (twice !== undefined) {
    throw new RangeError(
      `Cannot read ${name}: expected the name of each class once, got ${quote(twice)} twice`,
    );
  }
  if (numClasses !== undefined && numClasses !== classes.length) {
    throw new RangeError(
      `Cannot read ${name}: expected ${numClasses} classes, got ${classes.length}, name them all`,
    );
  }
  const numbers = names.map((name) => labelOf.get(name) ?? -1);
  const unknown = numbers.indexOf(-1);
  if (unknown >= 0) {
    throw new RangeError(
      `Cannot read ${name}: ${place(ids.indexOf(unknown))}: expected a label of ${
        listed(classes)
      }, got ${quote(names[unknown] ?? "")}`,
    );
  }
  return { labels: Int32Array.from(ids, (id) => numbers[id] ?? -1), classes };
}
