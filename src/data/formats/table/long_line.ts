/**
 * Search for lines that are too long, before a text is parsed.
 *
 * @module
 */

import { MAX_LINE } from "../../limits.ts";

/** Most bytes of UTF-8 for a character of a text. */
const MAX_CHARACTER_BYTES = 3;

/** Text or bytes of lines. `feed` and `carriage` give the next line end, -1 for none. */
interface Lines {
  readonly length: number;
  readonly most: number;
  feed(from: number): number;
  carriage(from: number): number;
}

/** Throws a `SyntaxError` for the first line that is too long. */
export function checkLines(text: string, name: string): void {
  check({
    length: text.length,
    most: MAX_LINE,
    feed: (from) => text.indexOf("\n", from),
    carriage: (from) => text.indexOf("\r", from),
  }, name);
}

/** Does the same before a text is decoded, for lines that are too long in any case. */
export function checkLinesOfBytes(bytes: Uint8Array, name: string): void {
  check({
    length: bytes.length,
    most: MAX_CHARACTER_BYTES * MAX_LINE,
    feed: (from) => bytes.indexOf(0x0A, from),
    carriage: (from) => bytes.indexOf(0x0D, from),
  }, name);
}

function check({ length, most, feed, carriage }: Lines, name: string): void {
  for (let start = 0, line = 1; start + most < length; line++) {
    let end = feed(start);
    // Only line feeds are searched for while they suffice.
    if (end < 0 || end - start > most) end = carriage(start);
    if (end < 0 || end - start > most) {
      throw new SyntaxError(
        `Cannot read ${name}: line ${line}: expected at most ${MAX_LINE} characters, got more`,
      );
    }
    start = end + 1;
  }
}
