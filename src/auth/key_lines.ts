import { publicKeyBytes } from "./public_key.ts";
import { errorMessage } from "../base/errors.ts";
import type { AllowedKey } from "./allowed_keys.ts";

const OPTION = /^([A-Za-z-]+)=(.*)$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;
const DAY_MILLIS = 24 * 3600 * 1000;

/**
 * Reads the text of a list of keys; `path` is for messages. Throws as `readAllowedKeys` rejects.
 */
export function parseKeyList(text: string, path: string): ReadonlyMap<string, AllowedKey> {
  const keys = new Map<string, AllowedKey>();
  const lines = new Map<string | number, number>();
  for (const [index, line] of text.replace(/^\uFEFF/, "").split("\n").entries()) {
    const [key = "", ...rest] = line.trim().split(/\s+/);
    if (key === "" || key.startsWith("#")) continue;
    try {
      publicKeyBytes(key);
      const entry = entryOf(rest);
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

/** What stands after a key. */
function entryOf(words: readonly string[]): AllowedKey {
  const name: string[] = [];
  let rank: number | undefined, expires: number | undefined;
  for (const word of words) {
    const [, option, value = ""] = OPTION.exec(word) ?? [];
    if (option === undefined) name.push(word);
    // An option that is misspelt must not become a part of the name.
    else if (option === "rank" && rank === undefined) rank = rankOf(value);
    else if (option === "expires" && expires === undefined) expires = momentOf(value);
    else throw new SyntaxError(`expected rank=, expires= or a name, got ${JSON.stringify(word)}`);
  }
  return {
    name: name.join(" "),
    ...(rank !== undefined && { rank }),
    ...(expires !== undefined && { expires }),
  };
}

function rankOf(value: string): number {
  const rank = /^\d{1,10}$/.test(value) ? Number(value) : 0;
  if (rank >= 1 && rank < 0xFFFF_FFFF) return rank;
  throw new SyntaxError(`expected a rank from 1, got ${JSON.stringify(value)}`);
}

/** A day stands for its end. */
function momentOf(value: string): number {
  const isDay = DAY.test(value);
  const moment = isDay || MOMENT.test(value) ? Date.parse(value) : NaN;
  // 2027-02-31 is taken for a day of March by some parsers.
  const isReal = !Number.isNaN(moment) &&
    new Date(moment).toISOString().startsWith(value.slice(0, 10));
  if (isReal) return isDay ? moment + DAY_MILLIS : moment;
  throw new SyntaxError(
    `expected expires= with a date in UTC, such as 2027-01-31 or 2027-01-31T18:00:00Z, got ${
      JSON.stringify(value)
    }`,
  );
}
