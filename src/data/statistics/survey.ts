/**
 * Course of the questions to sites, from which the summary of their tables is made.
 *
 * @module
 */

import type { BinGroup, StatisticsAnswer } from "../../wire/messages/statistics.ts";
import type { StatisticsQuestion } from "../../wire/messages/statistics_request.ts";
import type { BinRange } from "./bins.ts";
import {
  type ColumnPasses,
  firstMean,
  type SiteDeviations,
  sumCounts,
  summarizeColumn,
} from "./column_summary.ts";
import { MOST_ASKED_BINS, MOST_ASKED_CELLS, MOST_NAMED_COLUMNS } from "./limits.ts";
import { SiteRecord } from "./site_record.ts";
import { summarizeArrays } from "./summarize_arrays.ts";
import type { ColumnSummary } from "./summary.ts";
import type {
  SiteAnswers,
  SiteQuestions,
  SiteSummary,
  SurveyOptions,
  SurveyResult,
} from "./survey_options.ts";
import { classConflict, lastColumns, noteOnClasses, valueConflict } from "./site_names.ts";
import { shownName } from "../schema/names.ts";
import { uniteColumns, type UnitedColumn } from "./unite.ts";

/** Survey of sites: asks, checks the answers and summarizes them. */
export class Survey {
  readonly #records: ReadonlyMap<string, SiteRecord>;
  readonly #options: SurveyOptions;
  readonly #passes = new Map<string, ColumnPasses>();

  /**
   * Creates a survey.
   *
   * @param sites Names of the sites in order, such as `rank 2`; at least one.
   */
  constructor(sites: readonly string[], options: SurveyOptions = {}) {
    this.#records = new Map(sites.map((name) => [name, new SiteRecord(name)]));
    this.#options = options;
  }

  /**
   * Checks a site's answer, before the answers go on.
   *
   * @throws {RangeError} If it does not fit the question or the answers before it.
   */
  check(site: string, question: StatisticsQuestion, answer: StatisticsAnswer): void {
    this.#records.get(site)?.check(question, answer);
  }

  /**
   * Yields the questions of each pass, and takes the checked answers.
   *
   * @throws {RangeError} If the sites' tables cannot be united.
   */
  *run(): Generator<SiteQuestions, SurveyResult, SiteAnswers> {
    yield* this.#askColumns();
    const records = [...this.#records.values()];
    const told = records.filter(({ columns }) => columns.size > 0);
    if (told.length === 0) return summarizeArrays(records);
    const other = records.find(({ shape }) => shape !== undefined);
    if (other !== undefined) {
      throw new RangeError(
        `Cannot unite the columns: expected columns at ${shownName(other.name)} as at ${
          shownName(told[0]?.name ?? "")
        }, got data without columns`,
      );
    }
    const { order = "first", choice = "all", categories = [], target } = this.#options;
    const { columns: united, notes } = uniteColumns(told, {
      ...{ order, choice },
      categories: new Set(categories),
    });
    const first = united.map((column) => this.#summarize(column, told));
    const last = lastColumns(told);
    const targetText = target?.(first, last);
    if (targetText !== undefined) {
      yield* this.#askAll(told, { kind: "classes", target: targetText });
    }
    yield* this.#askDeviations(told, first);
    yield* this.#askHistograms(told, first);
    const classes = told.flatMap(({ classes }) => classes ? [classes] : []);
    const conflict = classConflict(told);
    const [lastColumn] = last.keys();
    return {
      rows: records.reduce((sum, { rows }) => sum + rows, 0),
      columns: united.map((column) => this.#withConflict(this.#summarize(column, told), told)),
      ...(classes.length > 0 && { classes: sumCounts(classes) }),
      ...(conflict !== undefined && { classConflict: conflict }),
      ...(lastColumn !== undefined && last.size === 1 && { lastColumn }),
      sites: records.map((record) => this.#siteSummary(record, united)),
      notes: [
        ...notes,
        ...noteOnClasses(told),
        ...told.filter(({ unnamedClasses }) => unnamedClasses > 0).map((record) =>
          `${record.name} has classes of too few rows to be named: ${record.unnamedClasses}`
        ),
        ...records.filter(({ columns }) => columns.size === 0).map(({ name, rows }) =>
          rows === 0
            ? `${name} sends no figures`
            : `${name} has ${rows} rows, too few for figures of its own`
        ),
      ],
    };
  }

  #summarize(column: UnitedColumn, records: readonly SiteRecord[]): ColumnSummary {
    const { quantiles = [0.25, 0.5, 0.75], bins = 20 } = this.#options;
    const passes = this.#passes.get(column.name) ?? {};
    return summarizeColumn(column, records, passes, { quantiles, bins });
  }

  #withConflict(summary: ColumnSummary, records: readonly SiteRecord[]): ColumnSummary {
    const { kind, name } = summary;
    if (kind !== "category" && kind !== "boolean") return summary;
    const conflict = valueConflict(records, name);
    return conflict === undefined ? summary : { ...summary, conflict };
  }

  #siteSummary(record: SiteRecord, united: readonly UnitedColumn[]): SiteSummary {
    const { name, rows, isShown, columns } = record;
    if (!isShown) return { name };
    if (columns.size === 0) return { name, rows };
    return { name, rows, columns: united.map((column) => this.#summarize(column, [record])) };
  }

  /** Asks for the columns of each site, as many as fit into an answer at a time. */
  *#askColumns(): Generator<SiteQuestions, void, SiteAnswers> {
    const { exclude = [], categories = [] } = this.#options;
    for (;;) {
      const left = [...this.#records.values()].filter(({ hasMore }) => hasMore);
      if (left.length === 0) return;
      yield* this.#ask(left, ({ columns }) => ({
        kind: "columns",
        from: columns.size,
        ...(exclude.length > 0 && { without: exclude }),
        ...(categories.length > 0 && { counted: categories }),
      }));
    }
  }

  *#askDeviations(
    told: readonly SiteRecord[],
    columns: readonly ColumnSummary[],
  ): Generator<SiteQuestions, void, SiteAnswers> {
    const { deviations: isNeeded = () => true } = this.#options;
    const wanted = columns.filter((column) => {
      return column.kind === "number" && column.mean !== undefined && isNeeded(column);
    });
    const rows = told.reduce((most, { rows }) => Math.max(most, rows), 1);
    for (const batch of batches(wanted, Math.min(MOST_NAMED_COLUMNS, MOST_ASKED_CELLS / rows))) {
      const names = batch.map(({ name }) => name);
      const means = names.map((name) => firstMean(told, name) ?? 0);
      const answers = yield* this.#askAll(told, { kind: "deviations", columns: names, means });
      names.forEach((name, i) => {
        const deviations = new Map<SiteRecord, SiteDeviations>();
        for (const [record, answer] of answers) {
          if (answer.kind !== "deviations") continue;
          const { counts, sums, squares } = answer;
          const [count = 0, sum = 0, square = 0] = [counts[i], sums[i], squares[i]];
          deviations.set(record, { count, sum, square });
        }
        this.#addPass(name, { mean: means[i] ?? 0, deviations });
      });
    }
  }

  *#askHistograms(
    told: readonly SiteRecord[],
    columns: readonly ColumnSummary[],
  ): Generator<SiteQuestions, void, SiteAnswers> {
    const { distribution: isNeeded = () => true, bins: shown = 20 } = this.#options;
    const wanted = columns.filter((column) => {
      const { kind, low, quantiles } = column;
      if (kind !== "number" || low === undefined || !isNeeded(column)) return false;
      // Quantiles that follow from the counts of all values need no histogram.
      return shown > 0 || quantiles === undefined;
    });
    const bins = this.#fineBins;
    const rows = told.reduce((most, { rows }) => Math.max(most, rows), 1);
    // An answer has no more groups of bins than bins, and than rows.
    const size = Math.min(MOST_ASKED_BINS / Math.min(bins, rows), MOST_ASKED_CELLS / rows);
    for (const batch of batches(wanted, Math.min(MOST_NAMED_COLUMNS, size))) {
      const names = batch.map(({ name }) => name);
      const lows = batch.map(({ low = 0 }) => low);
      const highs = batch.map(({ high = 0 }) => high);
      const question = { kind: "histograms", columns: names, lows, highs, bins } as const;
      const answers = yield* this.#askAll(told, question);
      names.forEach((name, i) => {
        const groups = new Map<SiteRecord, readonly BinGroup[]>();
        for (const [record, answer] of answers) {
          if (answer.kind === "histograms") groups.set(record, answer.groups[i] ?? []);
        }
        const range: BinRange = { low: lows[i] ?? 0, high: highs[i] ?? 0, bins };
        this.#addPass(name, { range, groups });
      });
    }
  }

  /** Number of bins that sites are asked for: a multiple of those that are shown. */
  get #fineBins(): number {
    const { bins: shown = 20, tolerance = 0.001 } = this.#options;
    const least = Math.max(1, shown);
    return least * Math.max(1, Math.ceil(Math.min(2048, 1 / tolerance) / least));
  }

  #addPass(name: string, pass: ColumnPasses): void {
    this.#passes.set(name, { ...this.#passes.get(name), ...pass });
  }

  *#askAll(
    records: readonly SiteRecord[],
    question: StatisticsQuestion,
  ): Generator<SiteQuestions, ReadonlyMap<SiteRecord, StatisticsAnswer>, SiteAnswers> {
    return yield* this.#ask(records, () => question);
  }

  *#ask(
    records: readonly SiteRecord[],
    questionFor: (record: SiteRecord) => StatisticsQuestion,
  ): Generator<SiteQuestions, ReadonlyMap<SiteRecord, StatisticsAnswer>, SiteAnswers> {
    const answers = yield new Map(records.map((record) => [record.name, questionFor(record)]));
    const taken = new Map<SiteRecord, StatisticsAnswer>();
    for (const record of records) {
      const answer = answers.get(record.name);
      if (answer === undefined) throw new RangeError(`${record.name} has given no answer`);
      record.take(answer);
      taken.set(record, answer);
    }
    return taken;
  }
}

/** Divides items into groups of at most `most`, and at least one. */
function* batches<T>(items: readonly T[], most: number): Generator<readonly T[]> {
  const size = Math.max(1, Math.floor(most));
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
