/**
 * Parsers of JSON and JSON lines: a table of numbers with a column of class labels.
 *
 * @module
 */

import { errorMessage } from "../../../base/errors.ts";
import { isRecord } from "../../../base/json.ts";
import type { Cell } from "./cells.ts";
import { MAX_JSON, MAX_LINE } from "../../limits.ts";
import { TableBuilder } from "./table_builder.ts";
import type { TableDataset, TableOptions } from "./table_options.ts";

type Json = Readonly<Record<string, unknown>>;

/** Gives the name of the type of a JSON value, for messages. */
function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** Converts a JSON value to a cell; `place` gives its name for messages. */
function cellOf(value: unknown, place: () => string): Cell {
  if (typeof value === "number" || typeof value === "string") return value;
  // Valid only as a label: the table refuses a feature that is no number.
  if (typeof value === "boolean") return `${value}`;
  throw new SyntaxError(`${place()}: expected a number or a text, got ${typeName(value)}`);
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`${place}: ${errorMessage(cause)}`, { cause });
  }
}

function checkLength(length: number, most: number, place: string): void {
  if (length <= most) return;
  throw new SyntaxError(`${place}: expected at most ${most} characters, got ${length}`);
}

/** Iterates over the lines of a text. */
function* linesOf(text: string): Generator<string> {
  const ends = /\r\n|\n|\r/g;
  for (let start = 0; start <= text.length;) {
    const end = ends.exec(text);
    yield text.slice(start, end?.index);
    start = end === null ? Infinity : ends.lastIndex;
  }
}

/** Collector of objects, which all have the keys of the first, in any order. */
class ObjectRows {
  readonly #name: string;
  readonly #unit: "line" | "row";
  readonly #builder: TableBuilder;
  #keys: readonly string[] | undefined;
  #known: ReadonlySet<string> = new Set();

  constructor(name: string, options: TableOptions, unit: "line" | "row") {
    this.#name = name;
    this.#unit = unit;
    this.#builder = new TableBuilder(name, options, { header: true, unit });
  }

  add(value: unknown, number: number): void {
    const place = `Cannot read ${this.#name}: ${this.#unit} ${number}`;
    if (!isRecord(value)) {
      throw new SyntaxError(`${place}: expected an object, got ${typeName(value)}`);
    }
    if (!this.#keys) {
      this.#keys = Object.keys(value);
      this.#known = new Set(this.#keys);
      this.#builder.add(this.#keys, number);
    }
    const keys = this.#keys;
    const strange = Object.keys(value).find((key) => !this.#known.has(key));
    if (strange !== undefined) {
      throw new SyntaxError(
        `${place}: expected the keys of the first, got ${JSON.stringify(strange)} as well`,
      );
    }
    const row = keys.map((key) => {
      if (!Object.hasOwn(value, key)) {
        throw new SyntaxError(
          `${place}: expected the keys of the first, ${JSON.stringify(key)} is missing`,
        );
      }
      return cellOf(value[key], () => `${place}, ${JSON.stringify(key)}`);
    });
    this.#builder.add(row, number);
  }

  finish(): TableDataset {
    return this.#builder.finish();
  }
}

/** Reads an object of columns, which all have the same length. */
function readColumns(columns: Json, name: string, options: TableOptions): TableDataset {
  const builder = new TableBuilder(name, options, { header: true, unit: "row" });
  const entries = Object.entries(columns).map(([key, values]) => {
    if (!Array.isArray(values)) {
      throw new SyntaxError(
        `Cannot read ${name}: expected an array for the column ${JSON.stringify(key)}, got ${
          typeName(values)
        }`,
      );
    }
    return [key, values as readonly unknown[]] as const;
  });
  const length = entries[0]?.[1].length ?? 0;
  const other = entries.find(([, values]) => values.length !== length);
  if (other) {
    throw new SyntaxError(
      `Cannot read ${name}: expected ${length} values in every column, got ${other[1].length} in ${
        JSON.stringify(other[0])
      }`,
    );
  }
  builder.add(entries.map(([key]) => key), 1);
  for (let row = 0; row < length; row++) {
    builder.add(
      entries.map(([key, values]) =>
        cellOf(
          values[row],
          () => `Cannot read ${name}: row ${row + 1}, ${JSON.stringify(key)}`,
        )
      ),
      row + 1,
    );
  }
  return builder.finish();
}

/**
 * Parses a table in JSON: an array of objects with the same keys, one for each row, or an object of
 * columns, each an array.
 *
 * Columns, labels and classes are those of `parseCsvDataset()`; numbers may be strings. Messages
 * count rows from 1. Keys that are whole numbers come before all others, so that the label column
 * is best given by its name.
 *
 * @throws {SyntaxError} If the text is not JSON or has more than 64 Mi characters, or a value is
 * missing or no number. The message names row and key.
 * @throws {RangeError} If there is no such column, or a label is not among those allowed.
 *
 * @example Two flowers
 * ```ts
 * import { parseJsonDataset } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = '{ "kind": ["setosa", "iris"], "width": [0.2, 1.4] }';
 * const { dataset, classes } = parseJsonDataset(text, { labelColumn: "kind" });
 * assertEquals(classes, ["iris", "setosa"]);
 * assertEquals([...dataset.labels], [1, 0]);
 * ```
 */
export function parseJsonDataset(text: string, options: TableOptions = {}): TableDataset {
  const { name = "JSON text" } = options;
  checkLength(text.length, MAX_JSON, `Cannot read ${name}`);
  const value = parse(text.replace(/^\uFEFF/, ""), `Cannot read ${name}`);
  if (isRecord(value)) return readColumns(value, name, options);
  if (!Array.isArray(value)) {
    throw new SyntaxError(
      `Cannot read ${name}: expected an array of objects or an object of columns, got ${
        typeName(value)
      }`,
    );
  }
  const rows = new ObjectRows(name, options, "row");
  value.forEach((row, index) => rows.add(row, index + 1));
  return rows.finish();
}

/**
 * Parses a table in JSON lines: one object per line, all with the same keys. Blank lines are
 * skipped.
 *
 * @throws {SyntaxError} If a line is not JSON or has more than 16 Mi characters, or a value is
 * missing or no number. The message names line and key.
 * @throws {RangeError} If there is no such column, or a label is not among those allowed.
 *
 * @example Two flowers
 * ```ts
 * import { parseJsonLinesDataset } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = '{"width": 0.2, "kind": 1}\n{"width": 1.4, "kind": 0}\n';
 * const { dataset } = parseJsonLinesDataset(text);
 * assertEquals([...dataset.labels], [1, 0]);
 * ```
 */
export function parseJsonLinesDataset(text: string, options: TableOptions = {}): TableDataset {
  const { name = "JSON lines" } = options;
  const rows = new ObjectRows(name, options, "line");
  let number = 0;
  for (const line of linesOf(text.replace(/^\uFEFF/, ""))) {
    number++;
    checkLength(line.length, MAX_LINE, `Cannot read ${name}: line ${number}`);
    if (line.trim() !== "") rows.add(parse(line, `Cannot read ${name}: line ${number}`), number);
  }
  return rows.finish();
}
