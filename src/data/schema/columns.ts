/**
 * Search for the columns of a schema in a table.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { parseCondition } from "./condition.ts";
import { withMarks } from "./missing_marks.ts";
import { hasNamedColumns } from "./named.ts";
import { isPlaceName, placeName, quoted, shownName, shownNames } from "./names.ts";
import type { ArrangeOptions } from "./options.ts";
import type { Schema, TargetSchema } from "./schema.ts";

/** Returns the start of a message about a table. */
export function cannotUse(table: RawTable): string {
  return `Cannot use ${table.name}`;
}

/** Returns the names of the columns that a target is made of. */
export function targetColumns(target: TargetSchema): readonly string[] {
  switch (target.task) {
    case "classification":
      return [target.from === undefined ? target.name : parseCondition(target.from).column];
    case "multi-label":
      return target.labels;
    case "regression":
      return target.outputs.map(({ name }) => name);
  }
}

/** Name of a column, and the unit in its header. */
export interface Header {
  /** Name without unit; `column N` where the table has no header. */
  readonly name: string;
  /** Unit, such as `years` of `age [years]`. */
  readonly unit: string | undefined;
}

/** Reads name and unit of a column. What stands in brackets is no unit if it has digits alone. */
export function headerOf({ name, index }: RawColumn): Header {
  if (name === undefined) return { name: placeName(index), unit: undefined };
  // Some systems write an umlaut as two characters.
  const whole = name.trim().normalize();
  const [, plain, unit] = /^(.*\S)\s+\[([^[\]]*)\]$/.exec(whole) ?? [];
  const isUnit = unit !== undefined && /\D/.test(unit.trim());
  return plain !== undefined && isUnit
    ? { name: plain, unit: unit.trim() }
    : { name: whole, unit: undefined };
}

/** Columns of a table by name. */
export class ColumnIndex {
  readonly #table: RawTable;
  /** Places of the columns of each name. */
  readonly #places = new Map<string, number[]>();
  /** Names and units, in the order of the columns. */
  readonly headers: readonly Header[];

  /** Reads the headers of a table. */
  constructor(table: RawTable) {
    this.#table = table;
    this.headers = table.columns.map(headerOf);
    this.headers.forEach(({ name }, i) => {
      const places = this.#places.get(name);
      if (places) places.push(i);
      else this.#places.set(name, [i]);
    });
  }

  /** True if the table has a header. */
  get hasNames(): boolean {
    return this.#table.columns.some(({ name }) => name !== undefined);
  }

  /**
   * Returns the place of a column; `undefined` if there is none of this name.
   *
   * @throws {RangeError} If two columns have the name.
   */
  find(name: string): number | undefined {
    const [first, second] = this.#places.get(name.normalize()) ?? [];
    if (first !== undefined && second !== undefined) {
      throw new RangeError(
        `${cannotUse(this.#table)}: expected one column named ${quoted(name)}, got columns ${
          first + 1
        } and ${second + 1}`,
      );
    }
    return first;
  }

  /**
   * Returns the place of a column that is given by name or by index from 0.
   *
   * @param use Use of the column in messages, such as `"an id column"`.
   * @throws {RangeError} If there is none.
   */
  get(column: string | number, use: string): number {
    if (typeof column === "string") {
      const found = this.find(column);
      if (found !== undefined) return found;
      const names = this.headers.map(({ name }) => name);
      const got = this.hasNames
        ? `${shownNames(names)}${didYouMean(column, names)}`
        : "columns without names, give its index, or say that line 1 is a header (--header yes)";
      throw new RangeError(
        `${cannotUse(this.#table)}: expected ${use} named ${quoted(column)}, got ${got}`,
      );
    }
    const { columns } = this.#table;
    const place = columns.findIndex(({ index }) => index === column);
    if (place >= 0) return place;
    throw new RangeError(
      `${cannotUse(this.#table)}: expected ${use} from 0 to ${
        columns.at(-1)?.index
      }, got ${column}`,
    );
  }

  /** Throws a `RangeError` if a name occurs twice. */
  checkNames(): void {
    for (const name of this.#places.keys()) this.find(name);
  }
}

/** Columns of a table that a schema uses. */
export interface MatchedColumns {
  /** Returns the column of a name. */
  get(name: string): RawColumn;
  readonly id: RawColumn | undefined;
  readonly weight: RawColumn | undefined;
  /** Names of the columns that the schema does not use. */
  readonly ignored: readonly string[];
}

/**
 * Finds the columns of a schema: by name, or by place where neither side has names.
 *
 * @param withTarget Is false for a table whose target is not read.
 * @throws {RangeError} If a column is missing, occurs twice or has another unit.
 */
export function matchColumns(
  table: RawTable,
  schema: Schema,
  { idColumn, weightColumn, units = {} }: ArrangeOptions,
  withTarget = true,
): MatchedColumns {
  const index = new ColumnIndex(table);
  const where = cannotUse(table);
  const array = schema.inputs.find((input) => "shape" in input);
  if (array) {
    throw new RangeError(
      `${where}: expected data of the ${array.kind} ${shownName(array.name)}, got a table`,
    );
  }
  const targets = targetColumns(schema.target);
  const needed = [
    ...schema.inputs.map(({ name }) => name),
    ...(withTarget ? targets : []),
  ];
  const id = idColumn === undefined ? undefined : index.get(idColumn, "an id column");
  const weight = weightColumn === undefined
    ? undefined
    : index.get(weightColumn, "a weight column");
  if (!hasNamedColumns(schema)) checkPlaces(table, needed, [id, weight], withTarget);
  const places = new Map<string, number>();
  for (const name of needed) {
    const place = index.find(name);
    if (place !== undefined) {
      places.set(name, place);
      continue;
    }
    if (!index.hasNames) {
      throw new RangeError(
        `${where}: expected the column ${
          shownName(name)
        }, got columns without names, say that line 1 is a header (--header yes)`,
      );
    }
    const others = index.headers.map(({ name }) => name).filter((one) => !needed.includes(one));
    throw new RangeError(
      `${where}: expected the column ${shownName(name)}, got ${
        others.length === 0 ? "none of this name" : shownNames(others)
      }`,
    );
  }
  const unitOf = (name: string) => units[name] ?? index.headers[places.get(name) ?? -1]?.unit;
  checkUnits(where, schema, unitOf, withTarget);
  const marked = withMarks(schema, (name) => table.columns[places.get(name) ?? -1]);
  const used = new Set([...places.values(), id, weight]);
  const unused = withTarget ? [] : targets;
  return {
    get(name) {
      const column = marked.get(name) ?? table.columns[places.get(name) ?? -1];
      if (column) return column;
      throw new RangeError(`${where}: expected the column ${shownName(name)}, got none`);
    },
    id: id === undefined ? undefined : table.columns[id],
    weight: weight === undefined ? undefined : table.columns[weight],
    ignored: index.headers.flatMap(({ name }, i) =>
      used.has(i) || unused.includes(name) ? [] : [name]
    ),
  };
}

/** Checks that columns by place are those of a table without header, and as many. */
function checkPlaces(
  table: RawTable,
  needed: readonly string[],
  others: readonly (number | undefined)[],
  withTarget: boolean,
): void {
  const places = needed.filter(isPlaceName).map((name) => Number(name.slice("column ".length)));
  if (places.length < needed.length) return;
  const named = table.columns.find(({ name }) => name !== undefined)?.name;
  if (named !== undefined && !isPlaceName(named)) {
    throw new RangeError(
      `${cannotUse(table)}: expected columns without names, got the column ${
        shownName(named)
      }; give the server a table with a header`,
    );
  }
  const count = Math.max(...places);
  const got = 1 + (table.columns.at(-1)?.index ?? -1);
  const areExtra = table.columns.every(({ index }, i) => index < count || others.includes(i));
  if ((got < count || !areExtra) && withTarget) {
    throw new RangeError(`${cannotUse(table)}: expected ${count} columns, got ${got}`);
  }
}

function checkUnits(
  where: string,
  { inputs, target }: Schema,
  unitOf: (name: string) => string | undefined,
  withTarget: boolean,
): void {
  const outputs = target.task === "regression" && withTarget ? target.outputs : [];
  for (const one of [...inputs, ...outputs]) {
    const expected = "unit" in one ? one.unit : undefined;
    const got = unitOf(one.name);
    if (got === undefined || got === expected) continue;
    throw new RangeError(
      `${where}: expected the column ${shownName(one.name)} ${
        expected === undefined ? "without a unit" : `in ${shownName(expected)}`
      }, got ${shownName(got)}`,
    );
  }
}
