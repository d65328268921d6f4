/**
 * Texts with labels, from a table or from JSON lines.
 *
 * @module
 */

import { isRecord } from "../../base/json.ts";
import { readBytes } from "../file.ts";
import { CsvScanner } from "../formats/csv/scanner.ts";
import { gunzip, isGzip } from "../formats/gzip.ts";
import { LineSplitter } from "../formats/line_splitter.ts";
import { Utf8Converter } from "../formats/text_pieces.ts";

/** Most bytes of a file, packed and unpacked. */
const MOST_BYTES = 2 ** 30;
const QUOTE = 0x22, POINT = 0x2E;

/** Texts and the label of each. */
export interface LabelledTexts {
  /** Texts as the file has them, save for blanks around fields without quotes. */
  readonly texts: readonly string[];
  /** Labels. */
  readonly labels: readonly string[];
}

/** Options of {@linkcode readLabelledTexts}. */
export interface LabelledTextsOptions {
  /**
   * Column, or field, of the texts.
   *
   * @default {"text"}
   */
  readonly textColumn?: string;
  /**
   * Column, or field, of the labels.
   *
   * @default The last one that is not that of the texts.
   */
  readonly labelColumn?: string;
}

/** Row by name of its column. */
type Row = ReadonlyMap<string, string>;

/**
 * Reads texts with labels from a file, which may be in gzip: `.jsonl` or `.ndjson` for an object a
 * line, `.tsv` for a table with tabs, any other for a table with commas, whose first line names the
 * columns. Texts may be in quotes and have line breaks.
 *
 * @throws {Error} A class of `Deno.errors`, if the file cannot be read.
 * @throws {SyntaxError} If a row is malformed, lacks a label, or a column is missing.
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
 * @throws {SyntaxError} If a row is malformed, lacks a label, or a column is missing.
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
  { name, textColumn = "text", labelColumn }: LabelledTextsOptions & { readonly name: string },
): LabelledTexts {
  const texts: string[] = [], labels: string[] = [];
  let label = labelColumn;
  const take = (row: Row, line: number) => {
    label ??= [...row.keys()].findLast((column) => column !== textColumn);
    const text = row.get(textColumn), own = label === undefined ? undefined : row.get(label);
    if (text === undefined || own === undefined) {
      const missing = text === undefined ? textColumn : label;
      throw new SyntaxError(
        `Cannot read ${name}: line ${line}: expected ${
          missing === undefined ? "labels" : JSON.stringify(missing)
        } beside ${[...row.keys()].map((column) => JSON.stringify(column)).join(", ")}`,
      );
    }
    if (own.trim() === "") {
      throw new SyntaxError(`Cannot read ${name}: line ${line}: expected a label, got none`);
    }
    texts.push(text);
    labels.push(own.trim());
  };
  const plain = name.replace(/\.gz$/i, "");
  if (/\.(jsonl|ndjson)$/i.test(plain)) readLines(bytes, name, take);
  else readFields(bytes, { name, delimiter: /\.tsv$/i.test(plain) ? "\t" : "," }, take);
  if (texts.length === 0) throw new SyntaxError(`Cannot read ${name}: it has no texts`);
  return { texts, labels };
}

type Take = (row: Row, line: number) => void;

function readLines(bytes: Uint8Array, name: string, take: Take): void {
  const lines = new LineSplitter(name, (text, line) => {
    if (text.trim() === "") return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new SyntaxError(`Cannot read ${name}: line ${line}: expected JSON`, { cause });
    }
    if (!isRecord(value)) {
      throw new SyntaxError(`Cannot read ${name}: line ${line}: expected an object`);
    }
    take(
      new Map(
        Object.entries(value).flatMap(([key, own]) =>
          typeof own === "string" || typeof own === "number" ? [[key, `${own}`] as const] : []
        ),
      ),
      line,
    );
  });
  lines.push(bytes);
  lines.end();
}

function readFields(
  bytes: Uint8Array<ArrayBuffer>,
  { name, delimiter }: { readonly name: string; readonly delimiter: string },
  take: Take,
): void {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let columns: readonly string[] | undefined;
  let fields: string[] = [];
  const scanner = new CsvScanner({
    wants: new Uint8Array(),
    number() {},
    bytes: (column, piece, start, end) => {
      // A row that came in part comes again from its start.
      fields.length = column;
      fields.push(decode(piece.subarray(start, end)));
    },
    row: (width, line) => {
      const row = fields.slice(0, width);
      fields = [];
      if (columns === undefined) {
        columns = row.map((field) => field.trim());
        return;
      }
      if (row.length !== columns.length) {
        throw new SyntaxError(
          `Cannot read ${name}: line ${line}: expected ${columns.length} fields, got ${row.length}`,
        );
      }
      take(new Map(columns.map((column, i) => [column, row[i] ?? ""])), line);
    },
  }, {
    delimiter: new TextEncoder().encode(delimiter),
    decimal: POINT,
    comment: undefined,
    skipRows: 0,
    quotes: [QUOTE],
    name,
  });
  const converter = new Utf8Converter(name, undefined);
  scanner.push(converter.push(bytes));
  scanner.push(converter.end());
  scanner.end();

  function decode(field: Uint8Array): string {
    try {
      return decoder.decode(field);
    } catch (cause) {
      throw new SyntaxError(`Cannot read ${name}: expected a text in UTF-8, got other bytes`, {
        cause,
      });
    }
  }
}
