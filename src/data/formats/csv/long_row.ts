import { MAX_LINE } from "../../limits.ts";
import { CARRIAGE, FEED } from "./characters.ts";

/** Makes the error for a row that is too long and begins after a line. */
export function longRowError(name: string, line: number, row: Uint8Array): SyntaxError {
  const isOneLine = !row.includes(FEED) && !row.includes(CARRIAGE);
  return new SyntaxError(
    isOneLine
      ? `Cannot read ${name}: line ${line + 1}: expected at most ${MAX_LINE} characters, got more`
      : `Cannot read ${name}: expected at most ${MAX_LINE} characters in the row after line ${line}, got more`,
  );
}
