import { MAX_LINE } from "../../limits.ts";

/** Most bytes of UTF-8 that a character of a text takes. */
const MAX_CHARACTER_BYTES = 3;

/** Where a line feed and a carriage return are next, -1 for nowhere. */
interface Lines {
  readonly length: number;
  readonly most: number;
  feed(from: number): number;
  carriage(from: number): number;
}

/** Throws a `SyntaxError` for the first line of a text that is too long. */
export function checkLines(text: string, name: string): void {
  check({
    length: text.length,
    most: MAX_LINE,
    feed: (from) => text.indexOf("\n", from),
    carriage: (from) => text.indexOf("\r", from),
  }, name);
}

/** The same before a text is decoded, for lines that are too long whatever their characters. */
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
    // Line ends are looked for in one form while that will do.
    if (end < 0 || end - start > most) end = carriage(start);
    if (end < 0 || end - start > most) {
      throw new SyntaxError(
        `Cannot read ${name}: line ${line}: expected at most ${MAX_LINE} characters, got more`,
      );
    }
    start = end + 1;
  }
}
