import type {
  ClassesAnswer,
  ColumnFigures,
  ColumnsAnswer,
  DeviationsAnswer,
  HistogramsAnswer,
  StatisticsAnswer,
  ValueCount,
} from "../../wire/messages/statistics.ts";
import type { StatisticsQuestion } from "../../wire/messages/statistics_request.ts";
import { canonicalName, quoted } from "../schema/names.ts";
import { MOST_COLUMNS, MOST_VALUES } from "./limits.ts";

/** Most rows of a site: sums of as many sites as there may be stay exact. */
const MOST_ROWS = 2 ** 40;
/** Relative error of sums that a site may make. */
const ROUNDING = 1e-6;

/**
 * Answers of one site so far. No answer is trusted: each is compared with its question and with the
 * answers before it.
 */
export class SiteRecord {
  /** Name of the site in messages, such as `rank 2`. */
  readonly name: string;
  /** Number of rows; 0 before the first answer. */
  rows = 0;
  /** Figures of the columns by name, in the order of the site. */
  readonly columns: Map<string, ColumnFigures> = new Map();
  /** Set if there are more columns to ask for. */
  hasMore = true;
  /** Shape of a row, for data without columns. */
  shape: readonly number[] | undefined;
  /** Number of rows of each class. */
  classes: readonly ValueCount[] | undefined;
  /** Number of classes of too few rows to be named. */
  unnamedClasses = 0;
  /** Set if the site's own figures may be shown. */
  isShown = false;

  /** Makes the record of a site. */
  constructor(name: string) {
    this.name = name;
  }

  /**
   * Checks an answer without taking it.
   *
   * @throws {RangeError} If it does not fit the question or an earlier answer.
   */
  check(question: StatisticsQuestion, answer: StatisticsAnswer): void {
    if (question.kind === "columns" && answer.kind === "columns") {
      return this.#checkColumns(answer, question.from);
    }
    if (question.kind === "classes" && answer.kind === "classes") {
      return this.#checkClasses(answer);
    }
    if (question.kind === "deviations" && answer.kind === "deviations") {
      return this.#checkDeviations(answer, question.columns);
    }
    if (question.kind === "histograms" && answer.kind === "histograms") {
      return this.#checkHistograms(answer, question.columns, question.bins);
    }
    this.#refuse(`an answer about ${question.kind}`, `one about ${answer.kind}`);
  }

  /** Takes an answer about columns or classes that was checked. */
  take(answer: StatisticsAnswer): void {
    if (answer.kind === "classes") {
      this.classes = answer.classes;
      this.unnamedClasses = answer.distinct - answer.classes.length;
    }
    if (answer.kind !== "columns") return;
    this.rows = answer.rows;
    this.isShown = answer.isShown ?? false;
    this.hasMore = answer.hasMore ?? false;
    this.shape = answer.shape;
    if (answer.classes) this.classes = answer.classes;
    for (const column of answer.columns) this.columns.set(column.name, column);
  }

  /** Number of values of a column that are not missing. */
  present(name: string): number {
    const column = this.columns.get(name);
    return column === undefined ? 0 : this.rows - column.missing;
  }

  #refuse(expected: string, got: string | number): never {
    throw new RangeError(
      `Cannot use the statistics of ${this.name}: expected ${expected}, got ${got}`,
    );
  }

  #checkColumns(answer: ColumnsAnswer, from: number): void {
    const { rows, columns, hasMore = false, classes } = answer;
    if (rows > MOST_ROWS) this.#refuse(`at most ${MOST_ROWS} rows`, rows);
    if (from > 0 && rows !== this.rows) this.#refuse(`${this.rows} rows as before`, rows);
    const total = from + columns.length;
    if (total > MOST_COLUMNS) this.#refuse(`at most ${MOST_COLUMNS} columns`, total);
    if (hasMore && columns.length === 0) this.#refuse("columns, as there are more", "none");
    const names = new Set(from > 0 ? this.columns.keys() : []);
    for (const column of columns) {
      if (names.has(column.name)) {
        this.#refuse("each column once", `${quoted(column.name)} twice`);
      }
      names.add(column.name);
      this.#checkColumn(column, rows);
    }
    if (classes) this.#checkCounts(classes, rows, "the classes");
  }

  #checkColumn(column: ColumnFigures, rows: number): void {
    const { name, kind, missing, sum, low, high, values, distinct, form } = column;
    const where = `in the column ${quoted(name)}`;
    const present = rows - missing;
    if (present < 0) this.#refuse(`at most ${rows} missing values ${where}`, missing);
    if ((kind === "missing") !== (present === 0)) {
      this.#refuse(`values ${where}, or the kind missing`, `${present} values of the kind ${kind}`);
    }
    if (values !== undefined) this.#checkCounts(values, present, `the values ${where}`);
    if (distinct !== undefined && distinct > present) {
      this.#refuse(`at most ${present} different values ${where}`, distinct);
    }
    const figures = [sum, low, high].filter((figure) => figure !== undefined);
    if (kind === "number") {
      if (form === undefined) this.#refuse(`the form of the numbers ${where}`, "none");
    } else if (figures.length > 0 || form !== undefined) {
      this.#refuse(`figures of numbers for numbers alone ${where}`, "some");
    }
    if (figures.length !== 0 && figures.length !== 3) {
      this.#refuse(`sum, low and high ${where}`, `${figures.length} of them`);
    }
    if (low !== undefined && high !== undefined && low > high) {
      this.#refuse(`a low not above the high ${where}`, `${low} and ${high}`);
    }
  }

  #checkCounts(counts: readonly ValueCount[], most: number, what: string): void {
    if (counts.length > MOST_VALUES) {
      this.#refuse(`at most ${MOST_VALUES} of ${what}`, counts.length);
    }
    const names = new Set(counts.map(([name]) => name));
    if (names.size < counts.length) this.#refuse(`each of ${what} once`, "one of them twice");
    const sum = counts.reduce((sum, [, rows]) => sum + rows, 0);
    if (sum > most) this.#refuse(`at most ${most} rows with ${what}`, sum);
    const odd = counts.find(([name]) => name !== canonicalName(name));
    if (odd) this.#refuse(`${what} in canonical spelling`, quoted(odd[0]));
    const none = counts.find(([, rows]) => rows < 1);
    if (none) this.#refuse(`at least one row for each of ${what}`, none[1]);
  }

  #checkClasses({ classes, distinct }: ClassesAnswer): void {
    this.#checkCounts(classes, this.rows, "the classes");
    if (distinct < classes.length || distinct > this.rows) {
      this.#refuse(`from ${classes.length} to ${this.rows} classes`, distinct);
    }
  }

  #checkDeviations(
    { counts, sums, squares }: DeviationsAnswer,
    columns: readonly string[],
  ): void {
    for (const list of [counts, sums, squares]) this.#checkLength(list, columns.length, "numbers");
    for (const [i, name] of columns.entries()) {
      const count = counts[i] ?? 0, sum = sums[i] ?? 0, square = squares[i] ?? 0;
      const where = `in the column ${quoted(name)}`;
      const most = this.columns.get(name)?.sum === undefined ? 0 : this.present(name);
      if (count !== most) this.#refuse(`${most} numbers ${where}`, count);
      // Cauchy and Schwarz: the mean deviation is at most the root of the mean square.
      const bound = Math.sqrt(count) * Math.sqrt(square);
      if (square < 0 || Math.abs(sum) > bound * (1 + ROUNDING)) {
        this.#refuse(`sums that numbers can have ${where}`, `${sum} and ${square}`);
      }
    }
  }

  #checkHistograms(
    { groups }: HistogramsAnswer,
    columns: readonly string[],
    bins: number,
  ): void {
    this.#checkLength(groups, columns.length, "histograms");
    for (const [i, name] of columns.entries()) {
      const where = `in a histogram of the column ${quoted(name)}`;
      let before = -1, sum = 0;
      for (const [first, last, rows] of groups[i] ?? []) {
        if (first <= before || last < first || last >= bins) {
          this.#refuse(`bins from ${before + 1} to ${bins - 1} ${where}`, `${first} to ${last}`);
        }
        before = last;
        sum += rows;
      }
      const most = this.columns.get(name)?.sum === undefined ? 0 : this.present(name);
      if (sum !== most) this.#refuse(`${most} rows ${where}`, sum);
    }
  }

  #checkLength(list: readonly unknown[], length: number, what: string): void {
    if (list.length !== length) this.#refuse(`${length} ${what}`, list.length);
  }
}
