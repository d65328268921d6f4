/**
 * What stands in a table, and in which column.
 *
 * @module
 */

/** What stands in one place of a table. */
export type Cell = string | number;

/** The number that a cell holds, `NaN` when it holds none. */
export function toNumber(cell: Cell): number {
  const isBlank = typeof cell === "string" && cell.trim() === "";
  return isBlank ? NaN : Math.fround(Number(cell));
}

/** A cell as an error message shows it. */
export function quote(cell: Cell): string {
  if (typeof cell === "number") return `${cell}`;
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
}

/** Whether a field says that nothing is known: it is empty, or one of the usual marks. */
export function isMissing(cell: Cell): boolean {
  return typeof cell === "string" ? /^(nan|NaN|NAN|NA|\?|)$/.test(cell.trim()) : Number.isNaN(cell);
}

/** Whether a label is a whole number, such as `3`, `3.0` or `-1`. */
export function isWhole(label: string): boolean {
  return Number.isInteger(toNumber(label));
}

/** Whether a label is a whole number from 0, such as `3` or `3.0`. */
export function isClassNumber(label: string): boolean {
  return isWhole(label) && toNumber(label) >= 0;
}

/** Whether a label is a number that cannot count anything: the column is then a measure and not a class. */
export function isFraction(label: string): boolean {
  const value = toNumber(label);
  return Number.isFinite(value) && !Number.isInteger(value);
}

/**
 * The index of a column that is given by its name in the first row, or by the index itself. Throws when there is no such, and
 * for a name that two columns have.
 */
export function columnIndex(
  row: readonly string[],
  column: string | number,
  { name, use, header }: { name: string; use: "label" | "feature" | "id"; header: boolean },
): number {
  if (typeof column === "string") {
    if (!header) {
      throw new TypeError(
        `Cannot read ${name}: ${use === "id" ? "an" : "a"} ${use} column is named ${
          quote(column)
        } where there is no header, give its index`,
      );
    }
    const index = row.indexOf(column);
    if (index < 0) {
      const shown = row.slice(0, 20).join(", ");
      throw new RangeError(
        `Cannot read ${name}: expected a column named ${quote(column)} in the header, got ${shown}${
          row.length > 20 ? ` and ${row.length - 20} more` : ""
        }`,
      );
    }
    if (row.includes(column, index + 1)) {
      throw new RangeError(
        `Cannot read ${name}: two columns are named ${quote(column)}, give the index`,
      );
    }
    return index;
  }
  if (!Number.isInteger(column) || column < 0 || column >= row.length) {
    throw new RangeError(
      `Cannot read ${name}: expected ${use === "id" ? "an" : "a"} ${use} column from 0 to ${
        row.length - 1
      }, got ${column}`,
    );
  }
  return column;
}
