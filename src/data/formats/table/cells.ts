/**
 * Cells of a table.
 *
 * @module
 */

/** Cell of a table. */
export type Cell = string | number;

/** A decimal number, as it is written in tables. */
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

/** Gives the number in a cell, `NaN` when it holds none. */
export function toNumber(cell: Cell): number {
  return typeof cell === "number" || NUMBER.test(cell) ? Math.fround(Number(cell)) : NaN;
}

/** Formats a cell for a message. */
export function quote(cell: Cell): string {
  if (typeof cell === "number") return `${cell}`;
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
}

/** Returns true if a cell is empty or has one of the usual marks of a missing value. */
export function isMissing(cell: Cell): boolean {
  return typeof cell === "string" ? /^(nan|NaN|NAN|NA|\?|)$/.test(cell.trim()) : Number.isNaN(cell);
}

/** Returns true if a label is a whole number, such as `3`, `3.0` or `-1`. */
export function isWhole(label: string): boolean {
  return Number.isInteger(toNumber(label));
}

/** Returns true if a label is a whole number from 0, such as `3` or `3.0`. */
export function isClassNumber(label: string): boolean {
  return isWhole(label) && toNumber(label) >= 0;
}

/** Returns true if a label is a fraction: its column is then a measure and not a class. */
export function isFraction(label: string): boolean {
  const value = toNumber(label);
  return Number.isFinite(value) && !Number.isInteger(value);
}

/** Lists at most twenty names, separated by commas, each cut to `longest` characters. */
export function listNames(names: readonly string[], longest = Infinity): string {
  const shown = names.slice(0, 20).map((name) => name.slice(0, longest)).join(", ");
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}
