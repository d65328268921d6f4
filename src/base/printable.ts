/**
 * Invisible characters, which make a text differ from its looks: controls, formats (direction
 * marks, zero width), separators of lines and paragraphs, halves of surrogate pairs, and what
 * Unicode calls ignorable by default (fillers, joiners, variation selectors).
 */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;
const RUNS = new RegExp(`${UNSEEN.source}+`, "gu");
const EACH = new RegExp(UNSEEN.source, "gu");

/** Returns the text on one line, with a space for each run of invisible characters. */
export function oneLine(text: string): string {
  return text.replaceAll(RUNS, " ");
}

/**
 * Returns the text with invisible characters, except tabs and line ends, by their codes, such as
 * `\x1b` and `\u202e`.
 */
export function printable(text: string): string {
  return text.replaceAll(EACH, (c) => c === "\n" || c === "\t" ? c : codeOf(c));
}

/**
 * Returns the text, cut to a number of characters with a mark of the cut. No character is split.
 */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

function codeOf(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, "0")}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
