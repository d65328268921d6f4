/**
 * Options and result of surveys.
 *
 * @module
 */

import type { StatisticsAnswer } from "../../wire/messages/statistics.ts";
import type { MissingMarks, StatisticsQuestion } from "../../wire/messages/statistics_request.ts";
import type { ColumnSummary, TableSummary } from "./summary.ts";
import type { ColumnChoice, ColumnOrder } from "./unite.ts";

/** Choice of the figures that a survey collects. */
export interface SurveyOptions {
  /** Columns to leave out. */
  readonly exclude?: readonly string[];
  /** Values that stand for a missing one at all sites, besides those of their own. */
  readonly marks?: readonly MissingMarks[];
  /** Columns of numbers that are categories. */
  readonly categories?: readonly string[];
  /**
   * Order of the columns: that of the first site, or by name.
   *
   * @default {"first"}
   */
  readonly order?: ColumnOrder;
  /**
   * Columns: those of all sites, which must have the same, or those that all have.
   *
   * @default {"all"}
   */
  readonly choice?: ColumnChoice;
  /**
   * Chooses the column or the condition whose classes are counted, by the columns and the names of
   * the last columns, each with the sites that have it last. Default: none.
   */
  readonly target?: (
    columns: readonly ColumnSummary[],
    last: ReadonlyMap<string, readonly string[]>,
  ) => string | undefined;
  /** Columns whose deviations are needed. Default: all numbers. */
  readonly deviations?: (column: ColumnSummary) => boolean;
  /** Columns whose quantiles are needed. Default: all numbers. */
  readonly distribution?: (column: ColumnSummary) => boolean;
  /**
   * Shares of the quantiles.
   *
   * @default {[0.25, 0.5, 0.75]}
   */
  readonly quantiles?: readonly number[];
  /**
   * Number of bins of the histograms; 0 for none.
   *
   * @default {20}
   */
  readonly bins?: number;
  /**
   * Error of quantiles as a share of the range, where enough rows are in each bin: from 1/2048.
   *
   * @default {0.001}
   */
  readonly tolerance?: number;
}

/** Questions for sites, by the name of the site. */
export type SiteQuestions = ReadonlyMap<string, StatisticsQuestion>;
/** Answers of the sites that were asked. */
export type SiteAnswers = ReadonlyMap<string, StatisticsAnswer>;

/** Figures of one site that allows that they are shown. */
export interface SiteSummary {
  /** Name of the site. */
  readonly name: string;
  /** Number of rows, where it is allowed. */
  readonly rows?: number;
  /** Columns, where they are allowed. */
  readonly columns?: readonly ColumnSummary[];
}

/** Result of a survey. */
export interface SurveyResult extends TableSummary {
  /** The sites, in order. */
  readonly sites: readonly SiteSummary[];
  /** Lines for the log. */
  readonly notes: readonly string[];
}
