/**
 * Conversion of the rows of a table into a data set.
 *
 * @module
 */

import { Dataset } from "../../dataset.ts";
import { trustFinite } from "../../finite.ts";
import { MAX_CLASSES, MAX_ROWS } from "../../limits.ts";
import { numberClasses } from "../class_labels.ts";
import { type Cell, isClassNumber, quote, toNumber } from "./cells.ts";
import { type Columns, findColumns, isHeader } from "./columns.ts";
import type { TableDataset, TableForm, TableOptions } from "./table_options.ts";

/** Collector of rows. Features go into a growing array; labels stay texts until all are known. */
export class TableBuilder {
  readonly #name: string;
  readonly #options: TableOptions;
  readonly #form: TableForm;
  #features: Float32Array<ArrayBuffer> = new Float32Array(1024);
  #used = 0;
  /**
   * Index of each different label, in order of appearance: there are many rows, but few classes.
   */
  readonly #labelNames = new Map<string, number>();
  readonly #rowLabels: number[] = [];
  readonly #ids: string[] = [];
  readonly #lines: number[] = [];
  #columns: Columns = { width: 0, label: 0, id: undefined, features: [] };
  /** Names of all columns, where there is a header. */
  #titles: string[] | undefined;
  #first: string[] | undefined;
  #line = 0;

  /**
   * Starts an empty table.
   *
   * @param name Name of the table in messages.
   * @throws {RangeError} If the scale is not finite.
   */
  constructor(name: string, options: TableOptions, form: TableForm) {
    const { scale = 1 } = options;
    if (!Number.isFinite(scale)) {
      throw new RangeError(`Cannot read ${name}: expected a finite scale, got ${scale}`);
    }
    this.#name = name;
    this.#options = options;
    this.#form = form;
  }

  /** Line on which the last row ended, from 1; 0 before the first. */
  get line(): number {
    return this.#line;
  }

  /**
   * Adds the row that ends on a line.
   *
   * @throws {SyntaxError | RangeError | TypeError} If it does not fit the options or earlier rows.
   */
  add(row: readonly Cell[], line: number): void {
    this.#line = line;
    if (!this.#first) {
      this.#first = row.map(String);
      const where = { name: this.#name, form: this.#form, line };
      this.#columns = findColumns(this.#first, this.#options, where);
      if (isHeader(row, this.#columns, this.#options, where)) {
        this.#titles = this.#first;
        return;
      }
    }
    const { width, label: labelColumn, id: idColumn, features } = this.#columns;
    if (row.length !== width) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: ${this.#form.unit} ${line}: expected ${width} fields, got ${row.length}`,
      );
    }
    if (this.#lines.length === MAX_ROWS) {
      throw new RangeError(
        `Cannot read ${this.#name}: expected at most ${MAX_ROWS} rows, got more, split it`,
      );
    }
    this.#reserve();
    const { scale = 1 } = this.#options;
    for (const column of features) {
      const value = Math.fround(toNumber(row[column] ?? "") * scale);
      if (!Number.isFinite(value)) this.#refuseField(row[column] ?? "", column);
      this.#features[this.#used++] = value;
    }
    const label = this.#textAt(row, labelColumn, "a label");
    const known = this.#labelNames.get(label) ?? this.#labelNames.size;
    this.#labelNames.set(label, known);
    this.#rowLabels.push(known);
    if (idColumn !== undefined) this.#ids.push(this.#textAt(row, idColumn, "an id"));
    this.#lines.push(line);
    // One more than the most classes: the first label may turn out to be of a header.
    if (known > MAX_CLASSES) this.finish();
  }

  /**
   * Makes the data set.
   *
   * @throws {SyntaxError} If there are no rows.
   * @throws {RangeError} If labels do not fit.
   */
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
    const width = this.#columns.features.length;
    const features = this.#features.slice(skipped * width, this.#used);
    return {
      dataset: trustFinite(new Dataset(features, labels, [width], classes.length)),
      classes,
      columns: this.#featureNames(),
      ids: this.#columns.id === undefined ? undefined : this.#ids.slice(skipped),
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
    const titles = this.#titles;
    return titles && this.#columns.features.map((column) => titles[column] ?? "");
  }

  /**
   * Finds a header of numbered columns by the name of the label, the only one that is no number.
   */
  #dropLateHeader(): boolean {
    const { classes } = this.#options;
    if (this.#form.header !== "auto" || this.#titles || classes || this.#rowLabels.length < 2) {
      return false;
    }
    const [label = "", ...others] = this.#labelNames.keys();
    const alone = this.#rowLabels.indexOf(0, 1) < 0;
    if (!alone || !Number.isNaN(toNumber(label)) || !others.every(isClassNumber)) return false;
    const titles = this.#columns.features.map((column) => Number(this.#first?.[column]));
    const [start = NaN] = titles;
    if (!titles.every((title, i) => title === start + i)) return false;
    this.#titles = this.#first;
    return true;
  }

  #reserve(): void {
    const { width, features } = this.#columns;
    if (this.#used + features.length <= this.#features.length) return;
    const grown = new Float32Array(2 * this.#features.length + width);
    grown.set(this.#features.subarray(0, this.#used));
    this.#features = grown;
  }

  #refuseField(field: Cell, column: number): never {
    const title = this.#titles?.[column];
    throw new SyntaxError(
      `Cannot read ${this.#name}: ${this.#form.unit} ${this.#line}, column ${column + 1}${
        title === undefined ? "" : ` (${title})`
      }: expected a number, got ${quote(field)}${
        this.#rowLabels.length === 0 && this.#form.header === "auto" && !this.#titles
          ? ", or say that line 1 is a header (option header, --header)"
          : ""
      }`,
    );
  }
}
