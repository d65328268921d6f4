/**
 * Collector of rows that are objects, or values by the name of their column.
 *
 * @module
 */

import { MAX_ROWS } from "../../limits.ts";
import type { RawTable, ReadTableOptions } from "../raw_table.ts";
import type { ColumnBuilder } from "./column_builder.ts";
import { ColumnChoice } from "./column_choice.ts";
import { finishTable } from "./finish_table.ts";
import { RowLines } from "./row_lines.ts";

/** Column with its collector, which is `undefined` while the column is not wanted. */
interface Column {
  readonly builder: ColumnBuilder | undefined;
  /** Rows that have been set. */
  rows: number;
  /** Row of the first value that is no number, text, truth or `null`. */
  nested: { row: number; value: unknown } | undefined;
}

/** Gives the name of the type of a JSON value, for messages. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value)
    ? "an array"
    : `a${typeof value === "object" ? "n" : ""} ${typeof value}`;
}

/**
 * Collector of rows by names. A name that a row lacks is a missing value. A column with arrays or
 * objects is left out, unless it is asked for.
 */
export class ObjectRows {
  readonly #name: string;
  readonly #unit: "line" | "row";
  readonly #choice: ColumnChoice;
  readonly #textColumns: ReadonlySet<number>;
  readonly #columns = new Map<string, Column>();
  readonly #lines = new RowLines();
  #rows = 0;
  #capacity = 0;

  /**
   * Starts an empty table.
   *
   * @param textColumns Columns that an earlier reading has found to have texts.
   */
  constructor(
    name: string,
    options: ReadTableOptions,
    unit: "line" | "row",
    textColumns: ReadonlySet<number> = new Set(),
  ) {
    this.#name = name;
    this.#unit = unit;
    this.#choice = new ColumnChoice(name, options);
    this.#textColumns = textColumns;
  }

  /** Adds a row: the one of a line, or the `number`-th. */
  add(row: Iterable<readonly [name: string, value: unknown]>, number: number): void {
    if (this.#rows === this.#capacity) this.#reserve();
    for (const [name, value] of row) {
      const column = this.#columns.get(name) ?? this.#addColumn(name);
      if (column.builder) this.#set(column, column.builder, value);
    }
    this.#lines.set(this.#rows++, number);
  }

  /** Columns that are to be read again as texts, see `ColumnBuilder`. */
  get mixedColumns(): Set<number> | undefined {
    const builders = [...this.#columns.values()].map((column) => column.builder);
    if (!builders.some((builder) => builder?.kind === "mixed")) return undefined;
    return new Set(
      builders.flatMap((builder, index) =>
        builder?.kind === "mixed" || builder?.kind === "text" ? [index] : []
      ),
    );
  }

  /**
   * Makes the table.
   *
   * @throws {SyntaxError} If it has no rows.
   * @throws {SyntaxError | RangeError} If it lacks a column, or a column that is asked for has
   * arrays or objects.
   */
  finish(): RawTable {
    const name = this.#name;
    if (this.#columns.size === 0) throw new SyntaxError(`Cannot read ${name}: it is empty`);
    const header = [...this.#columns.keys()];
    this.#choice.check(header, header.length);
    const notes: string[] = [];
    const builders = header.map((title, index) => {
      const column = this.#columns.get(title);
      if (column?.builder) this.#fill(column, column.builder);
      const nested = column?.nested;
      if (nested === undefined) return column?.builder;
      const what = `${JSON.stringify(title)}: expected a number or a text, got ${
        typeName(nested.value)
      }`;
      if (this.#choice.asksFor(title, index)) {
        throw new SyntaxError(`Cannot read ${name}: ${this.#place(nested.row)}, ${what}`);
      }
      notes.push(`${this.#place(nested.row)}, ${what}: the column is left out`);
      return undefined;
    });
    return finishTable({
      name,
      choice: this.#choice,
      header,
      builders,
      from: 0,
      to: this.#rows,
      notes,
      place: (row) => this.#place(row),
    });
  }

  #place(row: number): string {
    return `${this.#unit} ${this.#lines.get(row)}`;
  }

  #addColumn(name: string): Column {
    const index = this.#columns.size;
    const builder = this.#choice.builder(name, index, this.#textColumns.has(index));
    builder?.reserve(this.#capacity);
    const column = { builder, rows: 0, nested: undefined };
    this.#columns.set(name, column);
    return column;
  }

  #set(column: Column, builder: ColumnBuilder, value: unknown): void {
    this.#fill(column, builder);
    const row = this.#rows;
    column.rows = row + 1;
    if (typeof value === "number") builder.setNumber(row, value);
    else if (typeof value === "string") builder.setText(row, value);
    else if (typeof value === "boolean") builder.setText(row, `${value}`);
    else {
      builder.setMissing(row);
      if (value !== null && value !== undefined) column.nested ??= { row, value };
    }
  }

  /** Sets the rows that lacked the column. */
  #fill(column: Column, builder: ColumnBuilder): void {
    for (; column.rows < this.#rows; column.rows++) builder.setMissing(column.rows);
  }

  #reserve(): void {
    if (this.#rows >= MAX_ROWS) {
      throw new RangeError(
        `Cannot read ${this.#name}: expected at most ${MAX_ROWS} rows, got more, divide it among several clients`,
      );
    }
    this.#capacity = Math.min(MAX_ROWS, Math.max(1024, 2 * this.#capacity));
    for (const { builder } of this.#columns.values()) builder?.reserve(this.#capacity);
  }
}
