/**
 * Turning the rows of a table, as they come, into a data set.
 *
 * @module
 */

import { type Cell, columnIndex, isClassNumber, isMissing, quote, toNumber } from "./cells.ts";
import { trustFinite } from "../../finite.ts";
import { MAX_CLASSES, MAX_ROWS } from "../../limits.ts";
import { numberClasses } from "../class_labels.ts";
import { Dataset } from "../../dataset.ts";

/** How a table is read, whatever its format. */
export interface TableOptions {
  /** The column that holds the labels: its name, or its index from 0. Default: the last column. */
  labelColumn?: string | number;
  /** The columns that hold the features, in this order: their names, or their indices from 0. Default: all but those of labels and ids. */
  featureColumns?: readonly (string | number)[];
  /**
   * The column whose texts or numbers say which rows belong together, such as the writer of a letter: its name, or its index
   * from 0. It is not a feature. Default: there is none.
   */
  idColumn?: string | number;
  /** Number of classes. Default: one more than the greatest label, or the number of class names. */
  numClasses?: number;
  /**
   * The names of the classes in the order of their labels. Default: the names found, sorted. Give them where several clients
   * hold tables that must agree and some lack a class.
   */
  classes?: readonly string[];
  /** What each feature is multiplied by. Default 1. */
  scale?: number;
  /** What is read, for error messages. Default the format's name. */
  name?: string;
}

/** A table that was read. */
export interface TableDataset {
  /** The samples, of row shape `[number of feature columns]`. */
  readonly dataset: Dataset;
  /** The name of each class: what stood in the label column, or the number itself. Length `dataset.numClasses`. */
  readonly classes: readonly string[];
  /** The names of the feature columns, when the table has such. */
  readonly columns: readonly string[] | undefined;
  /** The id of each row as it stood in `idColumn`, when there is one; `partitionIds()` deals the rows out by it. */
  readonly ids: readonly string[] | undefined;
}

/** What the formats have apart. */
interface TableForm {
  /** Whether the first row holds names. */
  header: boolean | "auto";
  /** What a row is counted in. */
  unit: "line" | "row";
}

/** Collects rows; features go into one growing array, labels stay text until all are known. */
export class TableBuilder {
  readonly #name: string;
  readonly #options: TableOptions;
  readonly #form: TableForm;
  #features: Float32Array<ArrayBuffer> = new Float32Array(1024);
  #used = 0;
  /** Each different label once, in the order of first sight: a table has many rows and few classes. */
  readonly #labelNames = new Map<string, number>();
  readonly #rowLabels: number[] = [];
  readonly #ids: string[] = [];
  readonly #lines: number[] = [];
  #width = 0;
  #labelIndex = 0;
  #idIndex: number | undefined;
  /** Where the features stand in a row, in the order of the samples. */
  #featureIndices: number[] = [];
  #columns: string[] | undefined;
  #first: string[] | undefined;
  #line = 0;

  /** Starts an empty table; `name` stands in error messages. Throws a `RangeError` for a scale that is not finite. */
  constructor(name: string, options: TableOptions, form: TableForm) {
    const { scale = 1 } = options;
    if (!Number.isFinite(scale)) {
      throw new RangeError(`Cannot read ${name}: expected a finite scale, got ${scale}`);
    }
    this.#name = name;
    this.#options = options;
    this.#form = form;
  }

  /** The line on which the last row ended, from 1; 0 before the first. */
  get line(): number {
    return this.#line;
  }

  /** Takes the row that ends on the given line. Throws when it does not fit the rows before. */
  add(row: readonly Cell[], line: number): void {
    this.#line = line;
    if (!this.#first) {
      this.#first = row.map(String);
      this.#width = row.length;
      this.#findColumns(this.#first);
      if (this.#isHeader(row)) {
        this.#columns = this.#first;
        return;
      }
    }
    if (row.length !== this.#width) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: ${this.#form.unit} ${line}: expected ${this.#width} fields, got ${row.length}`,
      );
    }
    if (this.#lines.length === MAX_ROWS) {
      throw new RangeError(
        `Cannot read ${this.#name}: expected at most ${MAX_ROWS} rows, got more, split it`,
      );
    }
    this.#reserve();
    const { scale = 1 } = this.#options;
    for (const column of this.#featureIndices) {
      const value = Math.fround(toNumber(row[column] ?? "") * scale);
      if (!Number.isFinite(value)) this.#refuseField(row[column] ?? "", column);
      this.#features[this.#used++] = value;
    }
    const label = this.#textAt(row, this.#labelIndex, "a label");
    const known = this.#labelNames.get(label) ?? this.#labelNames.size;
    this.#labelNames.set(label, known);
    this.#rowLabels.push(known);
    if (this.#idIndex !== undefined) this.#ids.push(this.#textAt(row, this.#idIndex, "an id"));
    this.#lines.push(line);
    // One more than there can be classes: the first may turn out to be a header.
    if (known > MAX_CLASSES) this.finish();
  }

  /** The data set of all rows. Throws when there are none or the labels are not those allowed. */
  finish(): TableDataset {
    if (!this.#first) throw new SyntaxError(`Cannot read ${this.#name}: it is empty`);
    const skipped = this.#dropLateHeader() ? 1 : 0;
    const rows = this.#rowLabels.length - skipped;
    if (rows === 0) {
      throw new SyntaxError(`Cannot read ${this.#name}: it has a header and no rows`);
    }
    const { labels, classes } = numberClasses(
      [...this.#labelNames.keys()].slice(skipped),
      this.#rowLabels.slice(skipped).map((id) => id - skipped),
      {
        ...this.#options,
        name: this.#name,
        place: (row) => `${this.#form.unit} ${this.#lines[row + skipped]}`,
      },
    );
    const width = this.#featureIndices.length;
    const features = this.#features.slice(skipped * width, this.#used);
    return {
      dataset: trustFinite(new Dataset(features, labels, [width], classes.length)),
      classes,
      columns: this.#featureNames(),
      ids: this.#idIndex === undefined ? undefined : this.#ids.slice(skipped),
    };
  }

  #textAt(row: readonly Cell[], column: number, expected: string): string {
    const text = String(row[column] ?? "");
    if (text.trim() === "") {
      throw new SyntaxError(
        `Cannot read ${this.#name}: ${this.#form.unit} ${this.#line}, column ${
          column + 1
        }: expected ${expected}, got an empty field`,
      );
    }
    return text;
  }

  #featureNames(): string[] | undefined {
    const names = this.#columns;
    return names && this.#featureIndices.map((column) => names[column] ?? "");
  }

  #findColumns(row: readonly string[]): void {
    const { labelColumn = row.length - 1, featureColumns, idColumn } = this.#options;
    if (row.length < 2) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: ${this.#form.unit} ${this.#line}: expected feature columns and a label column, got one column${
          this.#form.unit === "line" ? ", check the delimiter (option delimiter, --delimiter)" : ""
        }`,
      );
    }
    const find = (column: string | number, use: "label" | "feature" | "id") =>
      columnIndex(row, column, { name: this.#name, use, header: this.#form.header !== false });
    this.#labelIndex = find(labelColumn, "label");
    this.#idIndex = idColumn === undefined ? undefined : find(idColumn, "id");
    const apart = [this.#labelIndex, this.#idIndex];
    this.#featureIndices = featureColumns
      ? featureColumns.map((column) => find(column, "feature"))
      : Array.from(row.keys()).filter((column) => !apart.includes(column));
    if (this.#featureIndices.length === 0) {
      throw new RangeError(`Cannot read ${this.#name}: expected feature columns, got none`);
    }
    const uses: [used: number | undefined, what: string, by: readonly (number | undefined)[]][] = [
      [this.#labelIndex, "features apart from the label", this.#featureIndices],
      [this.#idIndex, "features apart from the id", this.#featureIndices],
      [this.#idIndex, "a label apart from the id", [this.#labelIndex]],
    ];
    for (const [used, what, by] of uses) {
      if (used === undefined || !by.includes(used)) continue;
      throw new RangeError(
        `Cannot read ${this.#name}: expected ${what}, got column ${used + 1} (${
          row[used]
        }) for both`,
      );
    }
  }

  #isHeader(row: readonly Cell[]): boolean {
    const { labelColumn, idColumn, featureColumns = [] } = this.#options;
    if (this.#form.header !== "auto") return this.#form.header;
    const columns = [labelColumn, idColumn, ...featureColumns];
    if (columns.some((column) => typeof column === "string")) return true;
    // A typing error in the first row must be an error and not make it a header: hence every field, not any.
    const hasNumber = this.#featureIndices.some((i) => !Number.isNaN(toNumber(row[i] ?? "")));
    if (hasNumber) return false;
    const odd = this.#featureIndices.find((column) => isMissing(row[column] ?? "")) ??
      (Number.isNaN(toNumber(row[this.#labelIndex] ?? "")) ? undefined : this.#labelIndex);
    if (odd !== undefined) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: ${this.#form.unit} ${this.#line}, column ${
          odd + 1
        }: expected names or numbers throughout, got ${
          quote(row[odd] ?? "")
        } among what may be names, say whether line 1 is a header (option header, --header)`,
      );
    }
    return true;
  }

  /** Columns may be named by their numbers; then the label's name, alone not a number, gives the header away. */
  #dropLateHeader(): boolean {
    const { classes } = this.#options;
    if (this.#form.header !== "auto" || this.#columns || classes || this.#rowLabels.length < 2) {
      return false;
    }
    const [label = "", ...others] = this.#labelNames.keys();
    const alone = this.#rowLabels.indexOf(0, 1) < 0;
    if (!alone || !Number.isNaN(toNumber(label)) || !others.every(isClassNumber)) return false;
    const titles = this.#featureIndices.map((column) => Number(this.#first?.[column]));
    const [start = NaN] = titles;
    if (!titles.every((title, i) => title === start + i)) return false;
    this.#columns = this.#first;
    return true;
  }

  #reserve(): void {
    if (this.#used + this.#featureIndices.length <= this.#features.length) return;
    const grown = new Float32Array(2 * this.#features.length + this.#width);
    grown.set(this.#features.subarray(0, this.#used));
    this.#features = grown;
  }

  #refuseField(field: Cell, column: number): never {
    const title = this.#columns?.[column];
    throw new SyntaxError(
      `Cannot read ${this.#name}: ${this.#form.unit} ${this.#line}, column ${column + 1}${
        title === undefined ? "" : ` (${title})`
      }: expected a number, got ${quote(field)}${
        this.#rowLabels.length === 0 && this.#form.header === "auto" && !this.#columns
          ? ", or say that line 1 is a header (option header, --header)"
          : ""
      }`,
    );
  }
}
