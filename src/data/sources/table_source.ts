/**
 * Tables as a source of data.
 *
 * @module
 */

import type { RawTable } from "../formats/raw_table.ts";
import { type Arranged, arrangeTable } from "../schema/arrange.ts";
import { headerOf } from "../schema/columns.ts";
import type { ArrangedData, DataSource, SourceTables } from "../schema/data_source.ts";
import { shownName, shownNames } from "../schema/names.ts";
import type { SchemaOptions } from "../schema/options.ts";
import type { Schema } from "../schema/schema.ts";
import { checkDeclarations, makeSchema } from "../schema/schema_of.ts";
import { checkDeclared } from "./declared.ts";

/**
 * Makes a source of data from a table in memory, and perhaps one to evaluate on.
 *
 * @param tables The tables.
 * @param options Declarations of their owner.
 *
 * @example A site that has its columns in another order
 * ```ts
 * import { schemaOf, tableOf, tableSource } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const schema = schemaOf([tableOf("a", { age: [63, 41], ill: ["yes", "no"] })]);
 * const source = tableSource({ train: tableOf("b", { ill: ["no"], age: [50] }) });
 * const { train } = await source.arrange(schema);
 * assertEquals([[...train.features], [...train.labels]], [[50], [0]]);
 * ```
 */
export function tableSource(
  { train, test }: { readonly train: RawTable; readonly test?: RawTable },
  options: SchemaOptions = {},
): TableSource {
  return new TableSource({ train, ...(test && { test }), options });
}

/** Source of data in tables. Made by {@linkcode tableSource}. */
export class TableSource implements DataSource {
  readonly #tables: SourceTables;

  /**
   * Keeps the tables.
   *
   * @throws {RangeError} If a column that the options name is missing, or the target that they name
   * does not fit the classes or the task.
   */
  constructor(tables: SourceTables) {
    checkDeclarations(tables.train, tables.options);
    this.#tables = tables;
  }

  /** Name of the table to train on. */
  get name(): string {
    return this.#tables.train.name;
  }

  /** Arranges the tables; the errors are those of `arrangeTable()` and `schemaOf()`. */
  arrange(schema: Schema | undefined): Promise<ArrangedData> {
    return Promise.resolve().then(() => this.#arrange(schema));
  }

  #arrange(given: Schema | undefined): ArrangedData {
    const { train, test, options } = this.#tables;
    if (given) checkDeclared(train, given, options);
    const made = given ? undefined : makeSchema([train], options);
    const schema = given ?? made?.schema;
    if (!schema) throw new TypeError("Cannot arrange the data: expected a schema");
    const forTrain = arrangeTable(train, schema, options);
    const forTest = test && arrangeTable(test, schema, options);
    return {
      train: forTrain.dataset,
      ...(forTest && { test: forTest.dataset }),
      ...(forTrain.ids && { ids: forTrain.ids }),
      notes: [
        ...made?.warnings ?? [],
        ...train.notes,
        ...notesOf(train, forTrain),
        ...(test && forTest ? notesOf(test, forTest, " (rows to evaluate on)") : []),
      ],
    };
  }

  /** Gives the tables, their names of columns without units, which are in the options. */
  tables(): Promise<SourceTables> {
    const { train, test, options } = this.#tables;
    const units = { ...options.units };
    for (const { name, unit } of train.columns.map(headerOf)) {
      if (unit !== undefined) units[name] ??= unit;
    }
    return Promise.resolve({
      train: withPlainNames(train),
      ...(test && { test: withPlainNames(test) }),
      options: { ...options, units },
    });
  }
}

function withPlainNames(table: RawTable): RawTable {
  return {
    ...table,
    columns: table.columns.map((column) =>
      column.name === undefined ? column : { ...column, name: headerOf(column).name }
    ),
    place: (row) => table.place(row),
  };
}

/**
 * Describes what became of a table, in lines for the log.
 *
 * @param which Words behind the name of the table.
 */
export function notesOf(
  table: RawTable,
  { rows, counts, ignored }: Arranged,
  which = "",
): string[] {
  const entries = [...counts];
  const list = (of: "filled" | "others") =>
    entries.filter(([, count]) => count[of] > 0)
      .map(([name, count]) => `${count[of]} of ${shownName(name)}`);
  const [filled, others] = [list("filled"), list("others")];
  const dropped = table.length - rows.length;
  return [
    ...(ignored.length > 0 ? [`ignored the columns ${shownNames(ignored)}`] : []),
    ...(filled.length > 0 ? [`filled in missing values: ${shownNames(filled)}`] : []),
    ...(others.length > 0 ? [`counted as other categories: ${shownNames(others)}`] : []),
    ...(dropped > 0 ? [`left out ${dropped} of ${table.length} rows with missing values`] : []),
  ].map((note) => `${table.files ? shownNames(table.files.names) : table.name}${which}: ${note}`);
}
