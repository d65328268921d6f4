/**
 * Texts by author, from a file of JSON lines.
 *
 * @module
 */

import { isRecord } from "../../base/json.ts";
import { readBytes } from "../file.ts";
import { gunzip, isGzip } from "../formats/gzip.ts";

/** Most bytes of the file, packed and unpacked. */
const MOST_BYTES = 2 ** 30;

/** Lines of an author, such as those of a role of a play. */
export interface AuthoredLines {
  /** Name of the author. */
  readonly name: string;
  /** Lines, in their order. */
  readonly lines: readonly string[];
}

/**
 * Reads a file, which may be in gzip, of one JSON object a line: `{"lines": ["…"], "role":
 * "HAMLET", "play": "hamlet"}`. The other fields are the author's name.
 *
 * @throws {Error} If the file cannot be read.
 * @throws {SyntaxError} If a line is malformed; the message names it.
 */
export async function readAuthoredLines(path: string): Promise<AuthoredLines[]> {
  const bytes = await readBytes(path, { most: MOST_BYTES });
  const plain = isGzip(bytes) ? await gunzip(bytes, path, () => MOST_BYTES) : bytes;
  const authors: AuthoredLines[] = [];
  const rows = new TextDecoder().decode(plain).split("\n");
  for (const [i, row] of rows.entries()) {
    if (row.trim() !== "") authors.push(readAuthor(row, `${path}, line ${i + 1}`));
  }
  if (authors.length === 0) throw new SyntaxError(`Cannot read ${path}: it has no texts`);
  return authors;
}

function readAuthor(row: string, place: string): AuthoredLines {
  let value: unknown;
  try {
    value = JSON.parse(row);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${place}: expected JSON`, { cause });
  }
  const { lines, ...names } = isRecord(value) ? value : {};
  if (!Array.isArray(lines) || !lines.every((line) => typeof line === "string")) {
    throw new SyntaxError(
      `Cannot read ${place}: expected an object whose lines are a list of texts`,
    );
  }
  if (!lines.every((line) => line.isWellFormed())) {
    throw new SyntaxError(`Cannot read ${place}: expected texts of whole characters`);
  }
  return { name: Object.values(names).map((name) => `${name}`).join("/"), lines };
}

/** Lines to train on and lines to test on. */
export interface SplitLines {
  /** Authors, in the order of the file. */
  readonly names: readonly string[];
  /** Lines of each author to train on. */
  readonly train: readonly (readonly string[])[];
  /** Lines of each author to test on. */
  readonly test: readonly (readonly string[])[];
}

/**
 * Splits the lines of each author in two: the first to train on, `share` of them rounded down but
 * one at least, and the rest to test on (McMahan et al. 2017, section 3). Authors with less than
 * two lines, or with fewer characters than `least`, are left out.
 */
export function splitLines(
  authors: readonly AuthoredLines[],
  { share = 0.8, least = 0 }: { readonly share?: number; readonly least?: number } = {},
): SplitLines {
  const kept = authors.filter(({ lines }) =>
    lines.length >= 2 && lines.reduce((sum, line) => sum + line.length + 1, 0) >= least
  );
  const cuts = kept.map(({ lines }) => Math.max(1, Math.floor(share * lines.length)));
  return {
    names: kept.map(({ name }) => name),
    train: kept.map(({ lines }, i) => lines.slice(0, cuts[i])),
    test: kept.map(({ lines }, i) => lines.slice(cuts[i])),
  };
}
