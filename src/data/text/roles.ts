/**
 * Texts by author, from a file of JSON lines.
 *
 * @module
 */

import { isRecord } from "../../base/json.ts";
import { readBytes } from "../file.ts";
import { gunzip, isGzip } from "../formats/gzip.ts";
import type { ReadTableOptions } from "../formats/raw_table.ts";
import { LineSplitter } from "../formats/line_splitter.ts";
import { Utf8Converter } from "../formats/text_pieces.ts";

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
 * "HAMLET", "play": "hamlet"}`. The other fields are the author's name; the lines of objects with
 * the same name are those of one author. An author without a name has the number of the line.
 *
 * @throws {Error} If the file cannot be read.
 * @throws {SyntaxError} If a line is malformed; the message names it.
 */
export async function readAuthoredLines(
  path: string,
  { encoding }: Pick<ReadTableOptions, "encoding"> = {},
): Promise<AuthoredLines[]> {
  const bytes = await readBytes(path, { most: MOST_BYTES });
  const plain = isGzip(bytes) ? await gunzip(bytes, path, () => MOST_BYTES) : bytes;
  const authors = new Map<string, string[]>();
  const splitter = new LineSplitter(path, (row, number) => {
    if (row.trim() === "") return;
    const { name, lines } = readAuthor(row, `${path}, line ${number}`);
    const key = name === "" ? `line ${number}` : name;
    const known = authors.get(key);
    if (known) known.push(...lines);
    else authors.set(key, [...lines]);
  });
  const converter = new Utf8Converter(path, encoding);
  splitter.push(converter.push(plain));
  splitter.push(converter.end());
  splitter.end();
  if (authors.size === 0) throw new SyntaxError(`Cannot read ${path}: it has no texts`);
  return Array.from(authors, ([name, lines]) => ({ name, lines }));
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
  const isWrong = (name: unknown) => typeof name === "object" && name !== null;
  const wrong = Object.keys(names).find((key) => isWrong(names[key]));
  if (wrong !== undefined) {
    throw new SyntaxError(
      `Cannot read ${place}: expected ${JSON.stringify(wrong)} to be a text or a number, as the ` +
        `fields beside the lines are the name of their author`,
    );
  }
  if (!lines.every((line) => line.isWellFormed())) {
    throw new SyntaxError(`Cannot read ${place}: expected texts of whole characters`);
  }
  if (lines.some((line) => line.includes("\n"))) {
    throw new SyntaxError(`Cannot read ${place}: expected lines without line feeds in them`);
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
