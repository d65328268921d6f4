/**
 * Spelling of names: of classes, categories and columns.
 *
 * @module
 */

import { oneLine, shortened } from "../../base/printable.ts";

const PLAIN_NUMBER = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const TRUE_OR_FALSE = /^(?:true|false)$/i;
/** Digits that a float64 always keeps. */
const EXACT_DIGITS = 15;

/**
 * Returns the canonical spelling of a class or category: a number without leading zeros as
 * JavaScript writes it (`-1.0` becomes `-1`), `true` and `false` in lower case, any other text
 * without blanks around it. A number of more than 15 digits stays as it is: it may be an
 * identifier.
 */
export function canonicalName(text: string | number | boolean): string {
  if (typeof text !== "string") return String(text === 0 ? 0 : text);
  const trimmed = text.trim();
  if (TRUE_OR_FALSE.test(trimmed)) return trimmed.toLowerCase();
  if (!PLAIN_NUMBER.test(trimmed)) return trimmed;
  const [mantissa = ""] = trimmed.split(/e/i);
  if (mantissa.replace(/\D/g, "").length > EXACT_DIGITS) return trimmed;
  const number = Number(trimmed);
  return Number.isFinite(number) ? String(number === 0 ? 0 : number) : trimmed;
}

/** Returns the number that a text spells, without leading zeros; `undefined` if it spells none. */
export function numberOfText(text: string): number | undefined {
  const trimmed = text.trim();
  return PLAIN_NUMBER.test(trimmed) ? Number(trimmed) : undefined;
}

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "yes", "t", "y", "1"].map((word) => [word, true] as const),
  ...["false", "no", "f", "n", "0"].map((word) => [word, false] as const),
]);

/** Reads true or false from a text in any case; `undefined` if it is neither. */
export function toBoolean(text: string): boolean | undefined {
  return WORDS.get(canonicalName(text).toLowerCase());
}

/** Sorts names: numbers by size if all are numbers, else texts by their UTF-16 codes. */
export function sortNames(names: Iterable<string>): string[] {
  const list = [...names];
  const areNumbers = list.every((name) => PLAIN_NUMBER.test(name));
  return areNumbers ? list.sort((a, b) => Number(a) - Number(b)) : list.sort();
}

/** Returns a name for a message: on one line and not too long. */
export function shownName(name: string): string {
  return shortened(oneLine(name), 60);
}

/** Returns a value for a message, in quotes. */
export function quoted(text: string): string {
  return JSON.stringify(shownName(text));
}

/** Lists at most twenty names for a message. */
export function shownNames(names: readonly string[]): string {
  const shown = names.slice(0, 20).map(shownName).join(", ");
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}

/** Name of a column of a table without header, counted from 1. */
export function placeName(index: number): string {
  return `column ${index + 1}`;
}

/** Returns true for the name of a column of a table without header. */
export function isPlaceName(name: string): boolean {
  return /^column [1-9]\d*$/.test(name);
}
