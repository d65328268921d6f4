/**
 * Columns of a table and their uses.
 *
 * @module
 */

import { type Cell, isMissing, listNames, quote, toNumber } from "./cells.ts";
import type { TableForm, TableOptions } from "./table_options.ts";

/** Indices of the columns of a table, by use. */
export interface Columns {
  /** Number of columns. */
  readonly width: number;
  readonly label: number;
  readonly id: number | undefined;
  /** Columns of the features, in the order of the samples. */
  readonly features: readonly number[];
}

/** First row of a table, for messages. */
interface FirstRow {
  readonly name: string;
  readonly form: TableForm;
  readonly line: number;
}

/**
 * Finds the columns for label, id and features.
 *
 * @throws {SyntaxError | RangeError | TypeError} If there is no such column, or one has two uses.
 */
export function findColumns(
  row: readonly string[],
  options: TableOptions,
  { name, form, line }: FirstRow,
): Columns {
  const { labelColumn = row.length - 1, featureColumns, idColumn } = options;
  if (row.length < 2) {
    throw new SyntaxError(
      `Cannot read ${name}: ${form.unit} ${line}: expected feature columns and a label column, got one column${
        form.unit === "line" ? ", check the delimiter (option delimiter, --delimiter)" : ""
      }`,
    );
  }
  const find = (column: string | number, use: ColumnUse) =>
    columnIndex(row, column, { name, use, header: form.header !== false });
  const label = find(labelColumn, "label");
  const id = idColumn === undefined ? undefined : find(idColumn, "id");
  const features = featureColumns
    ? featureColumns.map((column) => find(column, "feature"))
    : Array.from(row.keys()).filter((column) => column !== label && column !== id);
  if (features.length === 0) {
    throw new RangeError(`Cannot read ${name}: expected feature columns, got none`);
  }
  const uses: [used: number | undefined, what: string, by: readonly (number | undefined)[]][] = [
    [label, "features apart from the label", features],
    [id, "features apart from the id", features],
    [id, "a label apart from the id", [label]],
  ];
  for (const [used, what, by] of uses) {
    if (used === undefined || !by.includes(used)) continue;
    throw new RangeError(
      `Cannot read ${name}: expected ${what}, got column ${used + 1} (${row[used]}) for both`,
    );
  }
  return { width: row.length, label, id, features };
}

/**
 * Returns true if the first row of a table is a header.
 *
 * @throws {SyntaxError} If `header` is `"auto"` and the row leaves a doubt.
 */
export function isHeader(
  row: readonly Cell[],
  columns: Columns,
  options: TableOptions,
  { name, form, line }: FirstRow,
): boolean {
  const { labelColumn, idColumn, featureColumns = [] } = options;
  if (form.header !== "auto") return form.header;
  const asked = [labelColumn, idColumn, ...featureColumns];
  if (asked.some((column) => typeof column === "string")) return true;
  // One typing error in the first row must not make it a header: hence all fields, not any.
  const hasNumber = columns.features.some((i) => !Number.isNaN(toNumber(row[i] ?? "")));
  if (hasNumber) return false;
  const odd = columns.features.find((column) => isMissing(row[column] ?? "")) ??
    (Number.isNaN(toNumber(row[columns.label] ?? "")) ? undefined : columns.label);
  if (odd !== undefined) {
    throw new SyntaxError(
      `Cannot read ${name}: ${form.unit} ${line}, column ${
        odd + 1
      }: expected names or numbers throughout, got ${
        quote(row[odd] ?? "")
      } among what may be names, say whether line 1 is a header (option header, --header)`,
    );
  }
  return true;
}

type ColumnUse = "label" | "feature" | "id";

/** Gives the index of a column. Throws when there is no such column, or two have its name. */
function columnIndex(
  row: readonly string[],
  column: string | number,
  { name, use, header }: { name: string; use: ColumnUse; header: boolean },
): number {
  if (typeof column === "string") {
    if (!header) {
      throw new TypeError(
        `Cannot read ${name}: ${use === "id" ? "an" : "a"} ${use} column is named ${
          quote(column)
        } where there is no header, give its index`,
      );
    }
    const index = row.indexOf(column);
    if (index < 0) {
      throw new RangeError(
        `Cannot read ${name}: expected a column named ${quote(column)} in the header, got ${
          listNames(row)
        }`,
      );
    }
    if (row.includes(column, index + 1)) {
      throw new RangeError(
        `Cannot read ${name}: two columns are named ${quote(column)}, give the index`,
      );
    }
    return index;
  }
  if (!Number.isInteger(column) || column < 0 || column >= row.length) {
    throw new RangeError(
      `Cannot read ${name}: expected ${use === "id" ? "an" : "a"} ${use} column from 0 to ${
        row.length - 1
      }, got ${column}`,
    );
  }
  return column;
}
