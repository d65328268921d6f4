/**
 * Reader of tables in files, for all formats.
 *
 * @module
 */

import { concat } from "../../base/bytes.ts";
import { MAX_JSON } from "../limits.ts";
import type { RawTable, ReadTableOptions } from "./raw_table.ts";
import { textPieces } from "./text_pieces.ts";

/** Reader of a text that comes in pieces, of which `end` gives `undefined` to read it again. */
interface PieceReader {
  push(piece: Uint8Array): void;
  end(): RawTable | undefined;
}

type Format = (path: string, options: ReadTableOptions) => Promise<RawTable>;

/** Reads a text in UTF-8 once, or twice. */
async function readPieces(
  path: string,
  options: ReadTableOptions,
  begin: (size: number) => PieceReader,
): Promise<RawTable> {
  let reader: PieceReader | undefined;
  for (;;) {
    const { size, pieces } = await textPieces(path, options);
    reader ??= begin(size);
    let isFirst = true;
    for await (const piece of pieces) {
      if (isFirst) checkNoZip(path, piece);
      isFirst = false;
      reader.push(piece);
    }
    const table = reader.end();
    if (table) return table;
  }
}

/** Words of messages about a file that a spreadsheet has written in its own format. */
export const EXCEL_OR_ZIP = "got an Excel or zip file, save it as CSV";

/** First bytes of zip files, which those of Excel are, and of older Excel files. */
const NO_TEXT = ["504b0304", "d0cf11e0"];

/** Refuses a file of Excel or a zip file that has the name of a text table. */
export function checkNoZip(path: string, piece: Uint8Array): void {
  if (!NO_TEXT.includes(piece.subarray(0, 4).toHex())) return;
  throw new SyntaxError(`Cannot read ${path}: expected text, ${EXCEL_OR_ZIP}`);
}

function csv(usualDelimiter?: string): Format {
  return async (path, options) => {
    const { CsvReader } = await import("./csv/csv.ts");
    return await readPieces(path, options, (size) =>
      new CsvReader({
        ...options,
        name: path,
        size,
        ...(usualDelimiter !== undefined && { usualDelimiter }),
      }));
  };
}

const jsonLines: Format = async (path, options) => {
  const { JsonLinesReader } = await import("./json/json_lines.ts");
  return await readPieces(path, options, () => new JsonLinesReader(path, options));
};

async function json(path: string, options: ReadTableOptions): Promise<RawTable> {
  const { readJson } = await import("./json/json.ts");
  const { size, pieces } = await textPieces(path, options);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const refuse = (got: number) => {
    throw new RangeError(
      `Cannot read ${path}: expected at most ${MAX_JSON} bytes, got ${got}, write it as JSON lines (.jsonl)`,
    );
  };
  for await (const piece of pieces) {
    if ((length += piece.length) > MAX_JSON) refuse(Math.max(size, length));
    parts.push(piece.slice());
  }
  try {
    return readJson(new TextDecoder("utf-8", { fatal: true }).decode(concat(parts)), path, options);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new SyntaxError(
      `Cannot read ${path}: expected UTF-8, got other bytes, say the encoding (option encoding, --encoding windows-1252)`,
      { cause },
    );
  }
}

const arff: Format = async (path, options) => {
  const { ArffReader } = await import("./arff.ts");
  return await readPieces(path, options, (size) => new ArffReader(path, options, size));
};

const libsvm: Format = async (path, options) => {
  const { LibsvmReader } = await import("./libsvm.ts");
  return await readPieces(path, options, () => new LibsvmReader(path, options));
};

const parquet: Format = async (path, options) =>
  await (await import("./parquet.ts")).readParquet(path, options);

/** Formats by extension. The reader of each is loaded when it is needed. */
const FORMATS: ReadonlyMap<string, Format> = new Map([
  ["csv", csv(",")],
  ["tsv", csv("\t")],
  ["tab", csv("\t")],
  ["txt", csv()],
  ["data", csv()],
  ["json", json],
  ["jsonl", jsonLines],
  ["ndjson", jsonLines],
  ["parquet", parquet],
  ["pq", parquet],
  ["arff", arff],
  ["libsvm", libsvm],
  ["svmlight", libsvm],
  ["svm", libsvm],
]);

/** Returns the extension of a path in lower case, that below `.gz`; empty if there is none. */
export function extensionOf(path: string): string {
  return /\.([^./\\]+)$/.exec(path.replace(/\.gz$/i, ""))?.[1]?.toLowerCase() ?? "";
}

/** Returns true if a path has the extension of a table. */
export function isTablePath(path: string): boolean {
  return FORMATS.has(extensionOf(path));
}

/**
 * Reads a table from a file, which may be packed with gzip. Its extension determines the format:
 * `.csv`, `.tsv`, `.txt` and `.data` for text tables, `.json`, `.jsonl` and `.ndjson`, `.parquet`,
 * `.arff`, `.libsvm` and `.svmlight`. Any other file is read as CSV. All but JSON are read in
 * pieces, so that only their values are in memory.
 *
 * A column of which every value that is not missing is a number has numbers; any other has texts.
 *
 * @throws {Error} A class of `Deno.errors`, if the file cannot be read.
 * @throws {TypeError} If the path leads to a pipe or a device, or an option is wrong.
 * @throws {SyntaxError} If the file is no table of its format. The message names the line.
 * @throws {RangeError} If the table lacks a column that the options name, or is too large.
 *
 * @example A table with a gap
 * ```ts
 * import { readTable } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".csv" });
 * await Deno.writeTextFile(path, "age,ward\n63,A\n?,B\n");
 * const { columns, place } = await readTable(path);
 * assertEquals(columns.map(({ name }) => name), ["age", "ward"]);
 * assertEquals(columns[0]?.numbers, Float64Array.of(63, NaN));
 * assertEquals([columns[1]?.texts, place(1)], [["A", "B"], "line 3"]);
 * await Deno.remove(path);
 * ```
 */
export async function readTable(path: string, options: ReadTableOptions = {}): Promise<RawTable> {
  return await (FORMATS.get(extensionOf(path)) ?? csv(","))(path, options);
}
