/**
 * Reader of Parquet.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { errorMessage } from "../../base/errors.ts";
import { openFile } from "../file.ts";
import { MAX_ROWS, MAX_VALUES } from "../limits.ts";
import type { ColumnBuilder } from "./columns/column_builder.ts";
import { ColumnChoice } from "./columns/column_choice.ts";
import { finishTable } from "./columns/finish_table.ts";
import { typeName } from "./columns/object_rows.ts";
import type { RawTable, ReadTableOptions } from "./raw_table.ts";

/** Name of a column in which pandas keeps the labels of the rows. */
const PANDAS_INDEX = /^__index_level_\d+__$/;

/** First value of a column that no table can hold. */
interface Nested {
  readonly row: number;
  readonly value: unknown;
}

/**
 * Reads a table in Parquet, one group of rows after the other. Whole numbers past 2^53 are rounded,
 * save in `textColumns`; dates are texts.
 *
 * @throws {Error} As `openFile()` rejects.
 * @throws {SyntaxError} If the file is damaged, or has no rows.
 * @throws {RangeError} If the table lacks a column that the options name, or is too large.
 */
export async function readParquet(path: string, options: ReadTableOptions): Promise<RawTable> {
  // Imported when it is needed: few programs read Parquet.
  const { compressors, parquet } = await import("./parquet_deps.ts");
  const { file, size } = await openFile(path);
  using _file = file;
  const buffer = {
    byteLength: size,
    slice: (start: number, end = size) => readPart(file, start, end),
  };
  const damaged = (cause: unknown): never => {
    options.signal?.throwIfAborted();
    throw new SyntaxError(
      `Cannot read ${path}: it is no Parquet file, or damaged: ${errorMessage(cause)}`,
      { cause },
    );
  };
  const metadata = await parquet.parquetMetadataAsync(buffer).catch(damaged);
  const header = parquet.parquetSchema(metadata).children.map(({ element }) => element.name);
  const length = Number(metadata.num_rows);
  const choice = new ColumnChoice(path, options);
  choice.check(header, header.length);
  if (length > MAX_ROWS || length * header.length > MAX_VALUES) {
    throw new RangeError(
      `Cannot read ${path}: expected at most ${MAX_ROWS} rows and ${MAX_VALUES} values, got ${length} rows of ${header.length}, divide the file among several clients`,
    );
  }
  const notes: string[] = [];
  const builders: (ColumnBuilder | undefined)[] = [];
  for (const [index, title] of header.entries()) {
    if (PANDAS_INDEX.test(title) && !choice.asksFor(title, index)) {
      notes.push(`column ${index + 1} (${JSON.stringify(title)}) labels the rows and is left out`);
      builders.push(undefined);
      continue;
    }
    const readColumn = async (isText: boolean) => {
      const builder = choice.builder(title, index, isText);
      if (builder === undefined) return {};
      builder.reserve(length);
      let nested: Nested | undefined;
      let rowStart = 0;
      for (const group of metadata.row_groups) {
        options.signal?.throwIfAborted();
        const rowEnd = rowStart + Number(group.num_rows);
        await parquet.parquetRead({
          ...{ file: buffer, metadata, columns: [title], rowStart, rowEnd, compressors },
          onChunk: ({ columnData, rowStart: start }) => {
            for (let i = 0; i < columnData.length; i++) {
              if (start + i >= length) break;
              if (!setValue(builder, start + i, columnData[i])) {
                nested ??= { row: start + i, value: columnData[i] };
              }
            }
          },
        }).catch(damaged);
        rowStart = rowEnd;
      }
      return { builder, nested };
    };
    let { builder, nested } = await readColumn(false);
    if (builder?.kind === "mixed") ({ builder, nested } = await readColumn(true));
    if (nested) {
      const what = `row ${nested.row + 1}, ${
        JSON.stringify(title)
      }: expected a number or a text, got ${typeName(nested.value)}`;
      if (choice.asksFor(title, index)) throw new SyntaxError(`Cannot read ${path}: ${what}`);
      notes.push(`${what}: the column is left out`);
    }
    builders.push(nested ? undefined : builder);
    options.onProgress?.({
      file: path,
      bytes: Math.round(size * (index + 1) / header.length),
      total: size,
    });
  }
  return finishTable({
    ...{ name: path, choice, header, builders, notes },
    from: 0,
    to: length,
    place: (row) => `row ${row + 1}`,
  });
}

/** Sets a value. Returns false if no table can hold it. */
function setValue(builder: ColumnBuilder, row: number, value: unknown): boolean {
  if (value === null || value === undefined) builder.setMissing(row);
  else if (typeof value === "number") builder.setNumber(row, value);
  else if (typeof value === "string") builder.setText(row, value);
  else if (typeof value === "boolean") builder.setText(row, `${value}`);
  else if (typeof value === "bigint") {
    const number = Number(value);
    if (Number.isSafeInteger(number)) builder.setNumber(row, number);
    else builder.setText(row, `${value}`);
  } else if (value instanceof Date) {
    const text = Number.isNaN(value.getTime()) ? "" : value.toISOString();
    builder.setText(row, text.replace("T00:00:00.000Z", ""));
  } else {
    builder.setMissing(row);
    return false;
  }
  return true;
}

async function readPart(file: Deno.FsFile, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  await file.seek(start, runtime.files.SeekMode.Start);
  for (let used = 0; used < bytes.length;) {
    const count = await file.read(bytes.subarray(used));
    if (count === null) throw new Error("it ends too early");
    used += count;
  }
  return bytes.buffer;
}
