/**
 * Turning the rows of a CSV table, as they come, into a data set.
 *
 * @module
 */

import { countClasses } from "./_labels.ts";
import { Dataset } from "./dataset.ts";

/** How `parseCsvDataset()` reads a table. */
export interface CsvDatasetOptions {
  /** The column that holds the labels: its name in the header, or its index from 0. Default: the last column. */
  labelColumn?: string | number;
  /**
   * Whether line 1 holds names. Default `"auto"`: it does when none of its feature columns is a number, or when they count
   * up (`0, 1, 2`) and its label is the only one that is not a number.
   */
  header?: boolean | "auto";
  /** What stands between fields, one or more characters. Default `","`. */
  delimiter?: string;
  /** Number of classes. Default: one more than the greatest label, or the number of class names. */
  numClasses?: number;
  /**
   * The names of the classes in the order of their labels. Default: the names found, sorted. Give them where several clients
   * hold tables that must agree and some lack a class.
   */
  classes?: readonly string[];
  /** What each feature is multiplied by. Default 1. */
  scale?: number;
  /** What is read, for error messages. Default `"CSV text"`. */
  name?: string;
}

/** A table that was read. */
export interface CsvDataset {
  /** The samples, of row shape `[number of feature columns]`. */
  readonly dataset: Dataset;
  /** The name of each class: what stood in the label column, or the number itself. Length `dataset.numClasses`. */
  readonly classes: readonly string[];
  /** The names of the feature columns, when the table has a header. */
  readonly columns: readonly string[] | undefined;
}

/** The number that a field holds, `NaN` when it holds none. */
function toNumber(field: string): number {
  return field === "" ? NaN : Math.fround(Number(field));
}

/** A field as an error message shows it. */
function quote(field: string): string {
  return JSON.stringify(field.length > 40 ? `${field.slice(0, 40)}…` : field);
}

/** Whether a label is a whole number from 0, such as `3` or `3.0`. */
function isClassNumber(label: string): boolean {
  const value = toNumber(label);
  return Number.isInteger(value) && value >= 0;
}

/** Whether a label is a number that cannot count anything: the column is then a measure and not a class. */
function isFraction(label: string): boolean {
  const value = toNumber(label);
  return Number.isFinite(value) && !Number.isInteger(value);
}

/** Collects rows; features go into one growing array, labels stay text until all are known. */
export class CsvBuilder {
  readonly #name: string;
  readonly #options: CsvDatasetOptions;
  #features: Float32Array<ArrayBuffer> = new Float32Array(1024);
  #used = 0;
  /** Each different label once, in the order of first sight: a table has many rows and few classes. */
  readonly #labelNames = new Map<string, number>();
  readonly #rowLabels: number[] = [];
  readonly #lines: number[] = [];
  #width = 0;
  #labelIndex = 0;
  #columns: string[] | undefined;
  #first: string[] | undefined;
  #line = 0;

  /** Starts an empty table; `name` stands in error messages. Throws a `RangeError` for a scale that is not finite. */
  constructor(name: string, options: CsvDatasetOptions) {
    const { scale = 1 } = options;
    if (!Number.isFinite(scale)) {
      throw new RangeError(`Cannot read ${name}: expected a finite scale, got ${scale}`);
    }
    this.#name = name;
    this.#options = options;
  }

  /** The line on which the last row ended, from 1; 0 before the first. */
  get line(): number {
    return this.#line;
  }

  /** Takes the row that ends on the given line. Throws when it does not fit the rows before. */
  add(row: readonly string[], line: number): void {
    this.#line = line;
    if (!this.#first) {
      this.#first = [...row];
      this.#width = row.length;
      this.#labelIndex = this.#findLabelColumn(row);
      if (this.#isHeader(row)) {
        this.#columns = [...row];
        return;
      }
    }
    if (row.length !== this.#width) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: line ${line}: expected ${this.#width} fields, got ${row.length}`,
      );
    }
    this.#reserve();
    const { scale = 1 } = this.#options;
    for (let column = 0; column < row.length; column++) {
      if (column === this.#labelIndex) continue;
      const value = Math.fround(toNumber(row[column] ?? "") * scale);
      if (!Number.isFinite(value)) this.#refuseField(row[column] ?? "", column);
      this.#features[this.#used++] = value;
    }
    const label = row[this.#labelIndex] ?? "";
    if (label === "") {
      throw new SyntaxError(
        `Cannot read ${this.#name}: line ${line}, column ${
          this.#labelIndex + 1
        }: expected a label, got an empty field`,
      );
    }
    const known = this.#labelNames.get(label) ?? this.#labelNames.size;
    this.#labelNames.set(label, known);
    this.#rowLabels.push(known);
    this.#lines.push(line);
  }

  /** The data set of all rows. Throws when there are none or the labels are not those allowed. */
  finish(): CsvDataset {
    if (!this.#first) throw new SyntaxError(`Cannot read ${this.#name}: it is empty`);
    const skipped = this.#dropLateHeader() ? 1 : 0;
    const rows = this.#rowLabels.length - skipped;
    if (rows === 0) {
      throw new SyntaxError(`Cannot read ${this.#name}: it has a header and no rows`);
    }
    const { labels, classes } = this.#numberLabels(skipped);
    const width = this.#width - 1;
    const features = this.#features.slice(skipped * width, this.#used);
    return {
      dataset: new Dataset(features, labels, [width], classes.length),
      classes,
      columns: this.#columns?.toSpliced(this.#labelIndex, 1),
    };
  }

  #findLabelColumn(row: readonly string[]): number {
    const { labelColumn = row.length - 1, header = "auto" } = this.#options;
    if (row.length < 2) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: line ${this.#line}: expected feature columns and a label column, got one column, check the delimiter`,
      );
    }
    if (typeof labelColumn === "string") {
      if (header === false) {
        throw new TypeError(
          `Cannot read ${this.#name}: a label column is named ${
            quote(labelColumn)
          } where there is no header, give its index`,
        );
      }
      const index = row.indexOf(labelColumn);
      if (index < 0) {
        const shown = row.slice(0, 20).join(", ");
        throw new RangeError(
          `Cannot read ${this.#name}: expected a column named ${
            quote(labelColumn)
          } in the header, got ${shown}${row.length > 20 ? ` and ${row.length - 20} more` : ""}`,
        );
      }
      return index;
    }
    if (!Number.isInteger(labelColumn) || labelColumn < 0 || labelColumn >= row.length) {
      throw new RangeError(
        `Cannot read ${this.#name}: expected a label column from 0 to ${
          row.length - 1
        }, got ${labelColumn}`,
      );
    }
    return labelColumn;
  }

  #isHeader(row: readonly string[]): boolean {
    const { header = "auto", labelColumn } = this.#options;
    if (header !== "auto") return header;
    if (typeof labelColumn === "string") return true;
    // A typing error in the first row must be an error and not make it a header: hence every field, not any.
    return row.every((field, column) =>
      column === this.#labelIndex || Number.isNaN(toNumber(field))
    );
  }

  /** Columns may be named by their numbers; then the label's name, alone not a number, gives the header away. */
  #dropLateHeader(): boolean {
    const { header = "auto", classes } = this.#options;
    if (header !== "auto" || this.#columns || classes || this.#rowLabels.length < 2) return false;
    const [label = "", ...others] = this.#labelNames.keys();
    const alone = this.#rowLabels.indexOf(0, 1) < 0;
    if (!alone || !Number.isNaN(toNumber(label)) || !others.every(isClassNumber)) return false;
    const titles = this.#first?.toSpliced(this.#labelIndex, 1).map(Number) ?? [];
    const [start = NaN] = titles;
    if (!titles.every((title, i) => title === start + i)) return false;
    this.#columns = this.#first;
    return true;
  }

  #numberLabels(skipped: number): { labels: Int32Array<ArrayBuffer>; classes: string[] } {
    const { numClasses } = this.#options;
    const place = (row: number) => `line ${this.#lines[row + skipped]}`;
    const names = [...this.#labelNames.keys()].slice(skipped);
    const ids = this.#rowLabels.slice(skipped);
    const byName = this.#options.classes !== undefined || !names.every(isClassNumber);
    if (!byName) {
      const numbers = names.map(Number);
      const labels = ids.map((id) => numbers[id - skipped] ?? -1);
      const count = countClasses(labels, numClasses, { name: this.#name, place });
      return {
        labels: Int32Array.from(labels),
        classes: Array.from({ length: count }, (_, label) => `${label}`),
      };
    }
    const fraction = names.findIndex(isFraction);
    if (fraction >= 0 && !this.#options.classes) {
      throw new RangeError(
        `Cannot read ${this.#name}: ${
          place(ids.indexOf(fraction + skipped))
        }: expected a class label, got ${names[fraction]}`,
      );
    }
    const classes = [...this.#options.classes ?? names.toSorted()];
    if (numClasses !== undefined && numClasses !== classes.length) {
      throw new RangeError(
        `Cannot read ${this.#name}: expected ${numClasses} classes, got ${classes.length}, name them all`,
      );
    }
    const numbers = names.map((name) => classes.indexOf(name));
    const unknown = numbers.indexOf(-1);
    if (unknown >= 0) {
      const row = ids.indexOf(unknown + skipped);
      throw new RangeError(
        `Cannot read ${this.#name}: ${place(row)}: expected a label of ${classes.join(", ")}, got ${
          quote(names[unknown] ?? "")
        }`,
      );
    }
    return { labels: Int32Array.from(ids, (id) => numbers[id - skipped] ?? -1), classes };
  }

  #reserve(): void {
    if (this.#used + this.#width <= this.#features.length) return;
    const grown = new Float32Array(2 * this.#features.length + this.#width);
    grown.set(this.#features.subarray(0, this.#used));
    this.#features = grown;
  }

  #refuseField(field: string, column: number): never {
    const title = this.#columns?.[column];
    throw new SyntaxError(
      `Cannot read ${this.#name}: line ${this.#line}, column ${column + 1}${
        title === undefined ? "" : ` (${title})`
      }: expected a number, got ${quote(field)}${
        this.#rowLabels.length === 0 && !this.#columns ? ", or say that line 1 is a header" : ""
      }`,
    );
  }
}
