/**
 * Texts without labels, from a table or from JSON lines.
 *
 * @module
 */

import { readBytes } from "../file.ts";
import { gunzip, isGzip } from "../formats/gzip.ts";
import { fieldOf, readTextRows, type TextFileOptions } from "./text_rows.ts";

/** Most bytes of a file, packed and unpacked. */
const MOST_BYTES = 2 ** 30;

/** Texts of a file. */
export interface PlainTexts {
  /** Texts as the file has them, save for blanks around fields without quotes. */
  readonly texts: readonly string[];
  /** Id of each text, where a column of ids was asked for. */
  readonly ids?: readonly string[];
}

/** Options of {@linkcode readPlainTexts}. */
export interface PlainTextsOptions extends TextFileOptions {
  /**
   * Column, or field, of the texts.
   *
   * @default {"text"}
   */
  readonly textColumn?: string;
  /** Column, or field, of ids. Default: none. */
  readonly idColumn?: string;
}

/**
 * Reads texts from a file as `readLabelledTexts()` does, without labels.
 *
 * @throws {Error} A class of `Deno.errors`, if the file cannot be read.
 * @throws {SyntaxError} If a row is malformed, or a column is missing.
 */
export async function readPlainTexts(
  path: string,
  { textColumn = "text", idColumn, ...form }: PlainTextsOptions = {},
): Promise<PlainTexts> {
  const bytes = await readBytes(path, { most: MOST_BYTES });
  const plain = isGzip(bytes) ? await gunzip(bytes, path, () => MOST_BYTES) : bytes;
  const texts: string[] = [], ids: string[] = [], name = path;
  readTextRows(plain, { name, ...form }, (row, line) => {
    const text = fieldOf(row, textColumn, { name, line, option: "textColumn" });
    if (!text.isWellFormed()) {
      throw new SyntaxError(
        `Cannot read ${name}: line ${line}: expected texts of whole characters`,
      );
    }
    texts.push(text);
    if (idColumn !== undefined) {
      ids.push(fieldOf(row, idColumn, { name, line, option: "idColumn" }).trim());
    }
  });
  if (texts.length === 0) throw new SyntaxError(`Cannot read ${path}: it has no texts`);
  return { texts, ...(idColumn !== undefined && { ids }) };
}
