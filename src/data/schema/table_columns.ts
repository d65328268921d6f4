import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { TableValues } from "./column_values.ts";
import { cannotUse, ColumnIndex, headerOf } from "./columns.ts";
import { markedValues, withMarksMissing } from "./missing_marks.ts";
import { checkNoNumbers } from "./mixed_column.ts";
import { nameConflict, namesBySite } from "./name_conflict.ts";
import { shownName } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import type { SchemaColumns } from "./schema_columns.ts";
import type { SourceColumn } from "./schema_inputs.ts";

/** Columns of several tables, by their place in the first. */
export class TableColumns implements SchemaColumns {
  readonly where: string;
  readonly names: readonly string[];
  readonly length: number;
  readonly #tables: readonly RawTable[];
  readonly #indices: readonly ColumnIndex[];
  readonly #categories: ReadonlySet<number>;
  readonly #options: SchemaOptions;
  readonly #units: Readonly<Record<string, string>>;
  readonly #columns = new Map<number, SourceColumn>();

  /**
   * Finds the columns of tables.
   *
   * @throws {RangeError} If a name occurs twice, or there is no column that is listed as one of
   * categories.
   */
  constructor(tables: readonly RawTable[], options: SchemaOptions) {
    const { categories = [], units = {} } = options;
    const [first] = tables;
    this.where = first ? cannotUse(first) : "Cannot make a schema";
    this.#tables = tables;
    this.#options = options;
    this.#indices = tables.map((table) => new ColumnIndex(table));
    this.#units = units;
    this.length = tables.reduce((sum, { length }) => sum + length, 0);
    for (const index of this.#indices) index.checkNames();
    this.names = this.#indices[0]?.headers.map(({ name }) => name) ?? [];
    this.#categories = new Set(
      categories.map((column) => this.placeOf(column, "a column of categories")),
    );
  }

  placeOf(column: string | number, use: string): number {
    return this.#indices[0]?.get(column, use) ?? 0;
  }

  at(place: number): SourceColumn {
    const known = this.#columns.get(place);
    if (known) return known;
    const column = this.#columnAt(place);
    this.#columns.set(place, column);
    return column;
  }

  conflictAt(place: number): string | undefined {
    return nameConflict(namesBySite(this.#valuesAt(place), this.#tables));
  }

  /** Returns the column at a place of the first table, and those of its name in the others. */
  #partsAt(place: number): RawColumn[] {
    const places = this.#indices.map((index) => index.get(this.names[place] ?? "", "the column"));
    return places.flatMap((at, t) => this.#tables[t]?.columns[at] ?? []);
  }

  /** Returns these columns with the values missing that the options take for missing ones. */
  #valuesAt(place: number): RawColumn[] {
    const marks = markedValues(this.names[place] ?? "", this.#options);
    return this.#partsAt(place).map((part) => withMarksMissing(part, marks));
  }

  #columnAt(place: number): SourceColumn {
    const name = this.names[place] ?? "", { where } = this;
    const parts = this.#partsAt(place);
    const units = new Set(
      parts.flatMap((part) => this.#units[name] ?? headerOf(part).unit ?? []),
    );
    const [unit, other] = units;
    if (other !== undefined) {
      throw new RangeError(
        `${where}: expected one unit of the column ${shownName(name)}, got ${unit} and ${other}`,
      );
    }
    const values = new TableValues(this.#valuesAt(place));
    const isCategory = this.#categories.has(place);
    const refuse = () => checkNoNumbers(parts, this.#tables);
    return { name, unit, values, checkNoNumbers: refuse, where, isCategory };
  }
}
