/**
 * Spelling of numbers in tables.
 *
 * @module
 */

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

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
