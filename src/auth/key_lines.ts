import { publicKeyBytes } from "./public_key.ts";
import { errorMessage } from "../base/errors.ts";
import type { AllowedKey } from "./allowed_keys.ts";

const OPTION = /^([A-Za-z-]+)=(.*)$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;
const DAY_MILLIS = 24 * 3600 * 1000;

/**
 * Parses a list of keys.
 *
 * @param path File that the text is from, for messages.
 * @throws {SyntaxError | RangeError} As `readAllowedKeys` rejects.
 */
export function parseKeyList(text: string, path: string): ReadonlyMap<string, AllowedKey> {
  const keys = new Map<string, AllowedKey>();
  const lines = new Map<string | number, number>();
  for (const [index, line] of text.replace(/^\uFEFF/, "").split("\n").entries()) {
    const [key = "", ...rest] = line.trim().split(/\s+/);
    if (key === "" || key.startsWith("#")) continue;
    try {
      publicKeyBytes(key);
      const entry = parseEntry(rest);
      const before = lines.get(key);
      if (before !== undefined) throw new SyntaxError(`the key of line ${before} again`);
      lines.set(key, index + 1);
      if (entry.rank !== undefined) {
        const other = lines.get(entry.rank);
        if (other !== undefined) {
          throw new SyntaxError(`rank ${entry.rank} is that of the key of line ${other}`);
        }
        lines.set(entry.rank, index + 1);
      }
      keys.set(key, entry);
    } catch (cause) {
      throw new SyntaxError(
        `Cannot read the allowed keys in ${path}: line ${index + 1}: ${errorMessage(cause)}`,
        { cause },
      );
    }
  }
  if (keys.size === 0) {
    throw new RangeError(`Cannot use the allowed keys in ${path}: expected at least 1, got 0`);
  }
  return keys;
}

/** Parses the words that follow a key on its line. */
function parseEntry(words: readonly string[]): AllowedKey {
  const name: string[] = [];
  let rank: number | undefined, expires: number | undefined;
  for (const word of words) {
    const [, option, value = ""] = OPTION.exec(word) ?? [];
    if (option === undefined) name.push(word);
    // A misspelt option must not become part of the name.
    else if (option === "rank" && rank === undefined) rank = parseRank(value);
    else if (option === "expires" && expires === undefined) expires = parseTime(value);
    else throw new SyntaxError(`expected rank=, expires= or a name, got ${JSON.stringify(word)}`);
  }
  return {
    name: name.join(" "),
    ...(rank !== undefined && { rank }),
    ...(expires !== undefined && { expires }),
  };
}

function parseRank(value: string): number {
  const rank = /^\d{1,10}$/.test(value) ? Number(value) : 0;
  if (rank >= 1 && rank < 0xFFFF_FFFF) return rank;
  throw new SyntaxError(`expected a rank from 1, got ${JSON.stringify(value)}`);
}

/** Parses a time, in milliseconds since 1970; a day stands for its end. */
function parseTime(value: string): number {
  const isDay = DAY.test(value);
  const time = isDay || TIME.test(value) ? Date.parse(value) : NaN;
  // Some parsers take 2027-02-31 for a day in March.
  const isReal = !Number.isNaN(time) &&
    new Date(time).toISOString().startsWith(value.slice(0, 10));
  if (isReal) return isDay ? time + DAY_MILLIS : time;
  throw new SyntaxError(
    `expected expires= with a date in UTC, such as 2027-01-31 or 2027-01-31T18:00:00Z, got ${
      JSON.stringify(value)
    }`,
  );
}
