/**
 * Characters that a reader does not see, and by which a text is not what it looks like: controls,
 * formats (marks of direction, of no width), separators of lines and paragraphs, and halves of
 * pairs.
 */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const RUNS = new RegExp(`${UNSEEN.source}+`, "gu");
const EACH = new RegExp(UNSEEN.source, "gu");

/** The text on one line, each run of characters that are not seen as a space. */
export function oneLine(text: string): string {
  return text.replaceAll(RUNS, " ");
}

/**
 * The text with the characters that are not seen, save tabs and the ends of lines, by their codes,
 * such as `\x1b` and `\u202e`.
 */
export function printable(text: string): string {
  return text.replaceAll(EACH, (c) => c === "\n" || c === "\t" ? c : codeOf(c));
}

/**
 * The text, or as much of it as has so many characters with a mark of the cut; no character is
 * split.
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
