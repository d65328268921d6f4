/**
 * Texts with labels, from a table or from JSON lines.
 *
 * @module
 */

import { readBytes } from "../file.ts";
import { gunzip, isGzip } from "../formats/gzip.ts";
import { shownNames } from "../schema/names.ts";
import { fieldOf, readTextRows, type TextFileOptions } from "./text_rows.ts";

/** Most bytes of a file, packed and unpacked. */
const MOST_BYTES = 2 ** 30;

/** Usual names of the columns. */
const TEXT = "text", LABEL = "label";

/** Texts and the label of each. */
export interface LabelledTexts {
  /** Texts as the file has them, save for blanks around fields without quotes. */
  readonly texts: readonly string[];
  /** Labels. */
  readonly labels: readonly string[];
  /** Id of each text, where a column of ids was asked for. */
  readonly ids?: readonly string[];
}

/** Options of {@linkcode readLabelledTexts}. */
export interface LabelledTextsOptions extends TextFileOptions {
  /**
   * Column, or field, of the texts.
   *
   * @default {"text"}
   */
  readonly textColumn?: string;
  /**
   * Column, or field, of the labels.
   *
   * @default {"label"}, or the only one beside the texts and the ids.
   */
  readonly labelColumn?: string;
  /**
   * Column, or field, of ids, such as the names of those whom the texts are from.
   *
   * @default None.
   */
  readonly idColumn?: string;
}

/**
 * Reads texts with labels from a file, which may be in gzip: `.jsonl` or `.ndjson` for an object a
 * line, `.tsv` for a table with tabs, any other for a table with commas, whose first line names the
 * columns. Texts may be in quotes and have line breaks.
 *
 * @throws {Error} A class of `Deno.errors`, if the file cannot be read.
 * @throws {SyntaxError} If a row is malformed or lacks a label, a column is missing, or it is
 * unclear which one has the labels.
 * @throws {TypeError | RangeError} If an option is wrong, or the file is of another format.
 */
export async function readLabelledTexts(
  path: string,
  options: LabelledTextsOptions = {},
): Promise<LabelledTexts> {
  const bytes = await readBytes(path, { most: MOST_BYTES });
  const plain = isGzip(bytes) ? await gunzip(bytes, path, () => MOST_BYTES) : bytes;
  return parseLabelledTexts(plain, { ...options, name: path });
}

/**
 * Reads texts with labels from the bytes of a file whose name is given, as
 * {@linkcode readLabelledTexts} does.
 *
 * @throws {SyntaxError} If a row is malformed or lacks a label, a column is missing, or it is
 * unclear which one has the labels.
 *
 * @example Two texts
 * ```ts
 * import { parseLabelledTexts } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode('text,intent\n"Hi, there",greet\nBye,leave\n');
 * assertEquals(parseLabelledTexts(bytes, { name: "two.csv" }), {
 *   texts: ["Hi, there", "Bye"],
 *   labels: ["greet", "leave"],
 * });
 * ```
 */
export function parseLabelledTexts(
  bytes: Uint8Array<ArrayBuffer>,
  { name, textColumn = TEXT, labelColumn, idColumn, ...form }:
    & LabelledTextsOptions
    & { readonly name: string },
): LabelledTexts {
  const texts: string[] = [], labels: string[] = [], ids: string[] = [];
  let label = labelColumn;
  readTextRows(bytes, { name, ...form }, (row, line) => {
    const refuse = (reason: string): never => {
      throw new SyntaxError(`Cannot read ${name}: line ${line}: ${reason}`);
    };
    const field = (column: string, option: string) => fieldOf(row, column, { name, line, option });
    const text = field(textColumn, "textColumn");
    label ??= labelAmong([...row.keys()], [textColumn, idColumn], refuse);
    const own = field(label, "labelColumn").trim();
    if (own === "") refuse("expected a label, got none");
    if (!text.isWellFormed() || !own.isWellFormed()) refuse("expected texts of whole characters");
    if (idColumn !== undefined) ids.push(field(idColumn, "idColumn").trim());
    texts.push(text);
    labels.push(own);
  });
  if (texts.length === 0) throw new SyntaxError(`Cannot read ${name}: it has no texts`);
  return { texts, labels, ...(idColumn !== undefined && { ids }) };
}

/** Finds the column of the labels, where no option names it. */
function labelAmong(
  columns: readonly string[],
  taken: readonly (string | undefined)[],
  refuse: (reason: string) => never,
): string {
  const others = columns.filter((column) => !taken.includes(column));
  if (others.includes(LABEL)) return LABEL;
  const [only] = others;
  if (only !== undefined && others.length === 1) return only;
  return refuse(
    others.length === 0
      ? `expected labels beside ${shownNames(columns)}`
      : `expected one column beside the texts, got ${
        shownNames(others)
      }, say which has the labels (option labelColumn, --label-column)`,
  );
}
