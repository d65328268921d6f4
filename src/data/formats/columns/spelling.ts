/**
 * Spelling of numbers and texts in tables.
 *
 * @module
 */

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
const LEADING_ZEROS = /^[+-]?0\d/;
/** Significant digits that a float64 always keeps. */
const EXACT_DIGITS = 15;

/**
 * Gives the number that a text spells, `NaN` if it spells none. Hexadecimal numbers, `NaN` and the
 * empty text spell none; `inf` and `Infinity` in any case are infinite.
 */
export function numberOf(text: string): number {
  if (NUMBER.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite === null) return NaN;
  return infinite[1] === "-" ? -Infinity : Infinity;
}

/**
 * Gives the canonical spelling of a category or class, so that the spellings of several sites
 * agree: blanks around it are removed, a number is spelled as JavaScript does (`-1.0` becomes
 * `-1`), and `True` is `true`. Numbers with leading zeros or more than 15 digits stay as they are:
 * they are identifiers.
 */
export function canonicalText(text: string): string {
  const trimmed = text.trim();
  if (/^true$/i.test(trimmed)) return "true";
  if (/^false$/i.test(trimmed)) return "false";
  if (!NUMBER.test(trimmed) || LEADING_ZEROS.test(trimmed)) return trimmed;
  const [mantissa = ""] = trimmed.split(/e/i);
  if (mantissa.replace(/\D/g, "").length > EXACT_DIGITS) return trimmed;
  // Adding 0 turns -0 into 0.
  return `${Number(trimmed) + 0}`;
}
