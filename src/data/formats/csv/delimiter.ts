/**
 * Search for the delimiter of a text table.
 *
 * @module
 */

import type { CsvOptions } from "./csv_options.ts";

const LENIENT = new TextDecoder();
/** Bytes of the beginning that are looked at. */
const START_BYTES = 65_536;
const CANDIDATES = ["\t", ";", ",", "|"];

/** Gives the delimiter that a first line `sep=;` says, as some spreadsheets write it. */
export function sepLine(start: Uint8Array): string | undefined {
  return /^sep=([^\r\n"]+?)\r?(?:\n|$)/i.exec(LENIENT.decode(start.subarray(0, 64)))?.[1];
}

/**
 * Finds the delimiter from the first lines.
 *
 * @throws {SyntaxError} If the first line has another delimiter more often than the usual one.
 */
export function delimiterOf(
  start: Uint8Array,
  { name, usualDelimiter, decimal, comment, skipRows = 0 }: CsvOptions,
): string {
  // The scanner refuses what is no text, and names the line.
  if (start.subarray(0, START_BYTES).includes(0)) return usualDelimiter ?? ",";
  const lines = LENIENT.decode(start.subarray(0, START_BYTES)).split(/\r\n|\n|\r/).slice(skipRows)
    .filter((line) => line.trim() !== "" && !(comment && line.trimStart().startsWith(comment)));
  const [line = ""] = lines;
  const bare = line.replace(/"(?:[^"]|"")*"?/g, "");
  const count = (delimiter: string) => bare.split(delimiter).length - 1;
  if (usualDelimiter === undefined) {
    const known = CANDIDATES.filter((delimiter) => delimiter !== decimal);
    const [best] = known.toSorted((a, b) => count(b) - count(a));
    if (best !== undefined && count(best) > 0) return best;
    return /\S[ \t]+\S/.test(bare) ? "blank" : ",";
  }
  const usual = usualDelimiter === decimal ? ";" : usualDelimiter;
  const other = CANDIDATES.find((one) => one !== usual && count(one) > 0);
  if (other !== undefined && count(other) >= count(usual) && other !== ",") {
    throw new SyntaxError(
      `Cannot read ${name}: line ${skipRows + 1} has ${count(other)} of the character ${
        JSON.stringify(other)
      } and ${count(usual)} of the delimiter ${
        JSON.stringify(usual)
      }, check the delimiter (option delimiter, --delimiter)`,
    );
  }
  return usual;
}
