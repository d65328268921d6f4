/**
 * Reading JSON and JSON lines: a table of numbers with one column of class labels.
 *
 * @module
 */

import { errorMessage } from "../../../base/errors.ts";
import { isRecord } from "../../../base/json.ts";
import type { Cell } from "./cells.ts";
import { MAX_JSON, MAX_LINE } from "../../limits.ts";
import { TableBuilder, type TableDataset, type TableOptions } from "./table_builder.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a value is called in a message. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** A value as the table holds it; `place` names it for the error. */
function cellOf(value: unknown, place: () => string): Cell {
  if (typeof value === "number" || typeof value === "string") return value;
  // Only as a label has it a meaning: a feature that is no number is refused by the table.
  if (typeof value === "boolean") return `${value}`;
  throw new SyntaxError(`${place()}: expected a number or a text, got ${kindOf(value)}`);
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

/** The lines of a text, one at a time. */
function* linesOf(text: string): Generator<string> {
  const ends = /\r\n|\n|\r/g;
  for (let start = 0; start <= text.length;) {
    const end = ends.exec(text);
    yield text.slice(start, end?.index);
    start = end === null ? Infinity : ends.lastIndex;
  }
}

/** Takes objects that all have the keys of the first, in any order. */
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
      throw new SyntaxError(`${place}: expected an object, got ${kindOf(value)}`);
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

/** Takes columns of one length. */
function readColumns(columns: Json, name: string, options: TableOptions): TableDataset {
  const builder = new TableBuilder(name, options, { header: true, unit: "row" });
  const entries = Object.entries(columns).map(([key, values]) => {
    if (!Array.isArray(values)) {
      throw new SyntaxError(
        `Cannot read ${name}: expected an array for the column ${JSON.stringify(key)}, got ${
          kindOf(values)
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
 * Reads a table from JSON: an array of objects, one a row, that all have the same keys; or one object of columns, each an array.
 * Columns, labels and classes are those of `parseCsvDataset()`; numbers may be written as texts. Rows count from 1 in errors.
 * Keys that are whole numbers come before all others, so that the last column is best named.
 *
 * Throws a `SyntaxError` that names the row and key for what is not JSON, is missing or is no
 * number, and for a text of more than 64 Mi characters, and a `RangeError` for a column or a label
 * that is not among those allowed.
 *
 * @example Two flowers
 * ```ts
 * import { parseJsonDataset } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { dataset, classes } = parseJsonDataset('{ "kind": ["setosa", "iris"], "width": [0.2, 1.4] }', {
 *   labelColumn: "kind",
 * });
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
        kindOf(value)
      }`,
    );
  }
  const rows = new ObjectRows(name, options, "row");
  value.forEach((row, index) => rows.add(row, index + 1));
  return rows.finish();
}

/**
 * Reads a table from JSON lines: one object a line, all with the same keys; blank lines are skipped.
 *
 * Throws as {@linkcode parseJsonDataset} does, with the line in place of the row; a line may have
 * 16 Mi characters.
 *
 * @example Two flowers
 * ```ts
 * import { parseJsonLinesDataset } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { dataset } = parseJsonLinesDataset('{"width": 0.2, "kind": 1}\n{"width": 1.4, "kind": 0}\n');
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
