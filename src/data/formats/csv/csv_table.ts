/**
 * Collector of the fields of a text table.
 *
 * @module
 */

import { shownNames } from "../../schema/names.ts";
import { MAX_ROWS, MAX_VALUES } from "../../limits.ts";
import type { ColumnBuilder } from "../columns/column_builder.ts";
import { ColumnChoice } from "../columns/column_choice.ts";
import { decodeField } from "../columns/decode_field.ts";
import { finishTable } from "../columns/finish_table.ts";
import { RowLines } from "../columns/row_lines.ts";
import type { RawTable, ReadTableOptions } from "../raw_table.ts";
import { isHeader } from "./header.ts";
import { BYTES, type FieldSink, NUMBER, SKIP } from "./field_sink.ts";

const FIRST_CAPACITY = 1024;
/** Rows from which the number of all rows is estimated. */
const KNOWN_ROWS = 512;

/** Facts about a table that are known before it is read. */
export interface CsvTableState {
  /** Name in messages. */
  readonly name: string;
  /** Columns that an earlier reading has found to have texts. */
  readonly textColumns: ReadonlySet<number>;
  /** Gives the number of all rows, when `rows` have been read. */
  readonly expectedRows: (rows: number) => number;
}

/** Collector of the fields of a text table, column by column. */
export class CsvTable implements FieldSink {
  readonly #state: CsvTableState;
  readonly #options: ReadTableOptions;
  readonly #choice: ColumnChoice;
  readonly #lines = new RowLines();
  readonly #cells: string[] = [];
  #builders: (ColumnBuilder | undefined)[] = [];
  /** True if the first line is a header, `undefined` while that is open. */
  #isHeader: boolean | undefined;
  #firstLine = 0;
  #secondLine = 0;
  /** Rows, with the first line as row 0 unless it is known to be a header. */
  #rows = -1;
  #capacity = 0;
  #hasLast = false;
  #hasMore = false;
  /** Use of the fields of each column. */
  wants: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** Starts an empty table. */
  constructor(state: CsvTableState, options: ReadTableOptions) {
    this.#state = state;
    this.#options = options;
    this.#choice = new ColumnChoice(state.name, options);
  }

  number(column: number, value: number): void {
    this.#builders[column]?.setNumber(this.#rows, value);
  }

  bytes(column: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#rows < 0) {
      this.#cells[column] = this.#inUtf8(() => decodeField(bytes, start, end));
      return;
    }
    const builder = this.#builders[column];
    if (builder === undefined) return;
    this.#inUtf8(() => builder.setBytes(this.#rows, bytes, start, end));
    if (builder.kind === "text") this.wants[column] = BYTES;
    else if (builder.kind === "mixed") this.wants[column] = SKIP;
  }

  row(width: number, line: number, isEmpty: boolean): void {
    if (this.#rows < 0) return this.#begin(width, line);
    if (width !== this.#cells.length) {
      if (width !== this.#cells.length + 1 || !isEmpty) this.#refuseWidth(width, line);
      this.#hasMore = true;
    } else if (!isEmpty) this.#hasLast = true;
    if (this.#secondLine === 0) this.#secondLine = line;
    this.#lines.set(this.#rows++, line);
    if (this.#rows === this.#capacity) this.#reserve();
  }

  /**
   * Columns that have texts after numbers: then the table is to be read again with these as
   * `textColumns`.
   */
  get mixedColumns(): Set<number> | undefined {
    const columns = this.#builders.flatMap((builder, column) =>
      builder?.kind === "mixed" || builder?.kind === "text" ? [column] : []
    );
    return this.#builders.some((builder) => builder?.kind === "mixed")
      ? new Set(columns)
      : undefined;
  }

  /**
   * Makes the table.
   *
   * @throws {SyntaxError | RangeError | TypeError} If it has no rows, or other columns.
   */
  finish(): RawTable {
    const { name } = this.#state;
    if (this.#rows < 0) throw new SyntaxError(`Cannot read ${name}: it is empty`);
    const notes: string[] = [];
    const isNamed = this.#isHeader ?? this.#decide(notes);
    const from = this.#isHeader === undefined && isNamed ? 1 : 0;
    this.#choice.check(isNamed ? this.#cells : undefined, this.#cells.length);
    const builders = [...this.#builders];
    const last = this.#cells.length - 1;
    if (last > 0 && !this.#hasLast && !this.#hasMore && this.#cells[last] === "") {
      builders[last] = undefined;
      notes.push("the delimiter at the end of each line is ignored");
    }
    return finishTable({
      name,
      choice: this.#choice,
      header: isNamed ? this.#cells : undefined,
      builders,
      from,
      to: this.#rows,
      notes,
      place: (row) => `line ${this.#lines.get(row + from)}`,
    });
  }

  /** Reads the first line. */
  #begin(width: number, line: number): void {
    const cells = this.#cells;
    cells.length = width;
    this.#firstLine = line;
    const { header = "auto", expectedNames = [] } = this.#options;
    const names = this.#choice.names;
    if (header !== "auto") this.#isHeader = header;
    else if (names.length > 0 || expectedNames.some((name) => cells.includes(name))) {
      this.#isHeader = true;
    }
    if (this.#isHeader !== undefined) {
      this.#choice.check(this.#isHeader ? cells : undefined, width);
    }
    const isText = (column: number) => this.#state.textColumns.has(column);
    this.#builders = cells.map((cell, column) =>
      this.#choice.builder(this.#isHeader ? cell : undefined, column, isText(column))
    );
    this.wants = Uint8Array.from(
      this.#builders,
      (builder) => builder === undefined ? SKIP : builder.isText ? BYTES : NUMBER,
    );
    this.#rows = 0;
    this.#reserve();
    if (this.#isHeader === true) return;
    this.#lines.set(0, line);
    if (this.#isHeader === false) {
      this.#setFirst();
      this.#hasLast = cells.at(-1) !== "";
    }
    this.#rows = 1;
  }

  #setFirst(): void {
    this.#builders.forEach((builder, column) => builder?.setText(0, this.#cells[column] ?? ""));
    this.#builders.forEach((builder, column) => {
      if (builder?.kind === "text") this.wants[column] = BYTES;
    });
  }

  #decide(notes: string[]): boolean {
    const { name } = this.#state;
    const cells = this.#cells;
    const { missing } = this.#choice;
    const first = { name, line: this.#firstLine, cells, missing, builders: this.#builders };
    if (!isHeader(first)) {
      this.#setFirst();
      return false;
    }
    if (cells.every((cell) => cell === "" || /^\d+$/.test(cell))) {
      notes.push(`line ${this.#firstLine} (${shownNames(cells)}) is taken for the header`);
    }
    return true;
  }

  #reserve(): void {
    const { name, expectedRows } = this.#state;
    const width = Math.max(1, this.#builders.filter((builder) => builder).length);
    const most = Math.min(MAX_ROWS, Math.floor(MAX_VALUES / width)) + 2;
    if (this.#rows >= most) {
      throw new RangeError(
        `Cannot read ${name}: expected at most ${MAX_ROWS} rows and ${MAX_VALUES} values, got more, read fewer columns (option columns) or divide the file among several clients`,
      );
    }
    const expected = this.#rows < KNOWN_ROWS ? 0 : expectedRows(this.#rows);
    const capacity = Math.max(FIRST_CAPACITY, Math.ceil(1.5 * this.#rows), expected);
    this.#capacity = Math.min(capacity, most);
    for (const builder of this.#builders) builder?.reserve(this.#capacity);
  }

  #refuseWidth(width: number, line: number): never {
    const expected = this.#cells.length;
    const isSecond = this.#secondLine === 0 && this.#options.header !== true;
    throw new SyntaxError(
      `Cannot read ${this.#state.name}: line ${line}: expected ${expected} fields${
        isSecond ? ` as line ${this.#firstLine} has (${shownNames(this.#cells)})` : ""
      }, got ${width}${
        isSecond ? ", skip lines that are no part of the table (option skipRows, --skip-rows)" : ""
      }`,
    );
  }

  #inUtf8<T>(decode: () => T): T {
    try {
      return decode();
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      const line = this.#rows < 0 ? 1 : this.#lines.get(Math.max(0, this.#rows - 1)) + 1;
      throw new SyntaxError(
        `Cannot read ${this.#state.name}: near line ${line}: expected UTF-8, got other bytes, say the encoding (option encoding, --encoding windows-1252)`,
        { cause },
      );
    }
  }
}
