/**
 * Rows of files with texts, field by field.
 *
 * @module
 */

import { isRecord } from "../../base/json.ts";
import { checkCsvOptions, type CsvOptions, scannerOptions } from "../formats/csv/csv_options.ts";
import { CsvScanner } from "../formats/csv/scanner.ts";
import { LineSplitter } from "../formats/line_splitter.ts";
import type { ReadTableOptions } from "../formats/raw_table.ts";
import { checkNoZip, extensionOf } from "../formats/read_table.ts";
import { Utf8Converter } from "../formats/text_pieces.ts";
import { shownNames } from "../schema/names.ts";

/** Options about the form of a file. */
export type TextFileOptions = Pick<
  ReadTableOptions,
  "delimiter" | "encoding" | "skipRows" | "comment"
>;

/** Receives a row by the names of its fields, and its line. */
export type TakeRow = (row: ReadonlyMap<string, string>, line: number) => void;

/**
 * Returns a field of a row.
 *
 * @param option Option that names the column, for the message.
 * @throws {SyntaxError} If there is none.
 */
export function fieldOf(
  row: ReadonlyMap<string, string>,
  column: string,
  { name, line, option }: { name: string; line: number; option: string },
): string {
  const field = row.get(column);
  if (field !== undefined) return field;
  const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new SyntaxError(
    `Cannot read ${name}: line ${line}: expected ${JSON.stringify(column)} beside ${
      shownNames([...row.keys()]) || "other fields"
    }, or the name of another column (option ${option}, --${flag})`,
  );
}

/** Usual delimiters of text tables by extension; for others it is looked for. */
const DELIMITERS: ReadonlyMap<string, string> = new Map([["tsv", "\t"], ["tab", "\t"]]);

/** Extensions of text tables whose delimiter is looked for. */
const FREE: ReadonlySet<string> = new Set(["txt", "data"]);

/** Extensions of files that are neither text tables nor JSON lines. */
const OTHERS: ReadonlySet<string> = new Set(
  ["json", "parquet", "pq", "arff", "libsvm", "svmlight", "svm"],
);

/**
 * Reads the rows of a file whose name is given.
 *
 * @throws {SyntaxError} If the file is malformed; the message names the line.
 * @throws {TypeError | RangeError} If an option is wrong, or the file is of another format.
 */
export function readTextRows(
  bytes: Uint8Array<ArrayBuffer>,
  { name, encoding, ...form }: TextFileOptions & { readonly name: string },
  take: TakeRow,
): void {
  const extension = extensionOf(name);
  if (OTHERS.has(extension)) {
    throw new TypeError(
      `Cannot read ${name}: expected texts in a .csv, .tsv, .txt or .jsonl file, got .${extension}`,
    );
  }
  checkNoZip(name, bytes);
  const converter = new Utf8Converter(name, encoding);
  const pieces = [converter.push(bytes), converter.end()] as const;
  if (extension !== "jsonl" && extension !== "ndjson") {
    const usual = DELIMITERS.get(extension) ?? (FREE.has(extension) ? undefined : ",");
    const options = { name, ...form, ...(usual !== undefined && { usualDelimiter: usual }) };
    return readFields(pieces, options, take);
  }
  const [other] = Object.keys(form);
  if (other !== undefined) {
    throw new TypeError(`Cannot read ${name}: expected no ${other} with JSON lines`);
  }
  readLines(pieces, name, take);
}

function readLines(pieces: readonly Uint8Array[], name: string, take: TakeRow): void {
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
    const fields = Object.entries(value).filter(([, own]) =>
      typeof own === "string" || typeof own === "number" || typeof own === "boolean"
    );
    take(new Map(fields.map(([key, own]) => [key, `${own}`])), line);
  });
  pieces.forEach((piece) => lines.push(piece));
  lines.end();
}

function readFields(pieces: readonly Uint8Array[], options: CsvOptions, take: TakeRow): void {
  const { name } = options;
  checkCsvOptions(options);
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
        return checkNames(columns, name, line);
      }
      if (row.length !== columns.length) {
        throw new SyntaxError(
          `Cannot read ${name}: line ${line}: expected ${columns.length} fields, got ${row.length}`,
        );
      }
      take(new Map(columns.map((column, i) => [column, row[i] ?? ""])), line);
    },
  }, scannerOptions(pieces[0] ?? new Uint8Array(), options));
  pieces.forEach((piece) => scanner.push(piece));
  scanner.end();

  function decode(field: Uint8Array): string {
    try {
      return decoder.decode(field);
    } catch (cause) {
      throw new SyntaxError(
        `Cannot read ${name}: expected a text in UTF-8, got other bytes, say the encoding (option encoding, --encoding windows-1252)`,
        { cause },
      );
    }
  }
}

/** Refuses a header with a name twice. */
function checkNames(columns: readonly string[], name: string, line: number): void {
  const twice = columns.find((column, i) => column !== "" && columns.indexOf(column) !== i);
  if (twice === undefined) return;
  throw new SyntaxError(
    `Cannot read ${name}: line ${line}: expected each column once, got ${
      JSON.stringify(twice)
    } twice`,
  );
}
