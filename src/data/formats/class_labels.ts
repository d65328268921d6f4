/**
 * Class labels: checks and numbering, for all readers.
 *
 * @module
 */

import { MAX_CLASSES } from "../limits.ts";
import {
  isClassNumber,
  isFraction,
  isMissing,
  isWhole,
  listNames,
  quote,
  toNumber,
} from "./table/cells.ts";

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

const NAME_THEM = "name the classes (option classes, --classes)";

/** Refuses labels that may not be classes: fractions, missing values, whole numbers among names. */
function checkNames(
  names: readonly string[],
  ids: readonly number[],
  { name, place }: Source,
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
 * Converts the labels of a table to numbers. Whole numbers from 0 stay as they are unless `classes`
 * are given. Names are numbered by their place in `classes`, or in sorted order.
 *
 * @param names Different labels of the table.
 * @param ids Index in `names` of each row's label.
 * @throws {RangeError} If a label is not among those allowed.
 */
export function numberClasses(
  names: readonly string[],
  ids: readonly number[],
  { classes: given, numClasses, name, place }: Source & {
    readonly classes?: readonly string[];
    readonly numClasses?: number;
  },
): { labels: Int32Array<ArrayBuffer>; classes: string[] } {
  if (given === undefined && names.every(isClassNumber)) {
    const numbers = names.map(Number);
    // Not in an Int32Array yet: it would wrap large numbers before they are checked.
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
        listNames(classes, 40)
      }, got ${quote(names[unknown] ?? "")}`,
    );
  }
  return { labels: Int32Array.from(ids, (id) => numbers[id] ?? -1), classes };
}
