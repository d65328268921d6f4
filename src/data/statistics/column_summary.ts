import type { BinGroup, ColumnFigures } from "../../wire/messages/statistics.ts";
import { canonicalName, sortNames, toBoolean } from "../schema/names.ts";
import type { BinRange } from "./bins.ts";
import { exactSum } from "./exact_sum.ts";
import { countQuantiles, cutQuantile, histogramQuantiles, joinHistograms } from "./quantiles.ts";
import type { SiteRecord } from "./site_record.ts";
import type { ColumnSummary, ValueCount } from "./summary.ts";
import type { UnitedColumn } from "./unite.ts";

/** Deviations of one site's numbers from a mean. */
export interface SiteDeviations {
  readonly count: number;
  readonly sum: number;
  readonly square: number;
}

/** Further figures of a column, by site. */
export interface ColumnPasses {
  /** Mean that the deviations are from. */
  readonly mean?: number;
  readonly deviations?: ReadonlyMap<SiteRecord, SiteDeviations>;
  readonly range?: BinRange;
  readonly groups?: ReadonlyMap<SiteRecord, readonly BinGroup[]>;
}

/** Figures that are wanted of numbers. */
export interface WantedFigures {
  /** Shares of the quantiles. */
  readonly quantiles: readonly number[];
  /** Number of bins of the histogram; 0 for none. */
  readonly bins: number;
}

/** Returns the mean of a column's numbers at some sites, as far as their sums tell it. */
export function firstMean(sites: readonly SiteRecord[], name: string): number | undefined {
  const all = sites.filter(({ columns }) => columns.get(name)?.sum !== undefined);
  const count = all.reduce((sum, site) => sum + site.present(name), 0);
  if (count === 0) return undefined;
  return exactSum(all.map(({ columns }) => columns.get(name)?.sum ?? 0)) / count;
}

/** Summarizes a column over sites: all of them, or one. */
export function summarizeColumn(
  { name, kind, unit }: UnitedColumn,
  sites: readonly SiteRecord[],
  passes: ColumnPasses,
  wanted: WantedFigures,
): ColumnSummary {
  const figures = sites.flatMap(({ columns }) => columns.get(name) ?? []);
  const rows = sites.reduce((sum, { rows }) => sum + rows, 0);
  const missing = figures.reduce((sum, column) => sum + column.missing, 0);
  return {
    ...{ name, kind },
    ...(unit !== undefined && { unit }),
    ...{ rows, missing, count: rows - missing },
    ...(kind === "number" && numberFigures(name, sites, figures, passes, wanted)),
    ...valueFigures(figures, kind, rows - missing),
  };
}

function numberFigures(
  name: string,
  sites: readonly SiteRecord[],
  figures: readonly ColumnFigures[],
  { mean: about, deviations, range, groups }: ColumnPasses,
  { quantiles, bins }: WantedFigures,
): Partial<ColumnSummary> {
  const told = sites.filter(({ columns }) => columns.get(name)?.sum !== undefined);
  const count = told.reduce((sum, site) => sum + site.present(name), 0);
  const forms = figures.flatMap(({ form }) => form ?? []);
  const form = forms.includes("real") ? "real" : forms.includes("whole") ? "whole" : "binary";
  if (count === 0) return { count, form };
  const lows = figures.flatMap(({ low }) => low ?? []);
  const highs = figures.flatMap(({ high }) => high ?? []);
  const of = (site: SiteRecord) => deviations?.get(site) ?? { count: 0, sum: 0, square: 0 };
  const shift = exactSum(told.map((site) => of(site).sum)) / count;
  const square = exactSum(told.map((site) => of(site).square)) / count;
  const histograms = range && groups &&
    { range, groups: told.map((site) => groups.get(site) ?? []), areWhole: form !== "real" };
  const low = lows.reduce((a, b) => Math.min(a, b));
  const high = highs.reduce((a, b) => Math.max(a, b));
  const known = quantiles.length > 0 ? knownCounts(figures) : undefined;
  return {
    ...{ count, form },
    ...(deviations && about !== undefined
      ? constantOr({ mean: about + shift, variance: square - shift ** 2, low, high })
      : { mean: firstMean(sites, name) ?? 0 }),
    ...{ low, high },
    ...(known
      ? { quantiles: countQuantiles(known, quantiles) }
      : histograms && quantiles.length > 0 &&
        {
          quantiles: histogramQuantiles(histograms, quantiles)
            .map((quantile) => cutQuantile(quantile, low, high)),
        }),
    ...(histograms && bins > 0 && { histogram: joinHistograms(histograms, bins) }),
  };
}

/** Mean and deviation. A constant has exactly its value and no deviation, in spite of rounding. */
function constantOr(
  { mean, variance, low, high }: {
    readonly mean: number;
    readonly variance: number;
    readonly low: number;
    readonly high: number;
  },
): { mean: number; deviation: number } {
  const deviation = Math.sqrt(Math.max(0, variance));
  const isConstant = low === high && deviation <= 16 * Number.EPSILON * Math.abs(mean);
  return isConstant ? { mean: low, deviation: 0 } : { mean, deviation };
}

/** Counts of all numbers, if every site has named each of its values. */
function knownCounts(figures: readonly ColumnFigures[]): ValueCount[] | undefined {
  const isKnown = figures.every(({ kind, values = [], distinct }) => {
    return kind === "missing" || values.length === distinct;
  });
  return isKnown ? sumCounts(figures.map(({ values = [] }) => values)) : undefined;
}

function valueFigures(
  figures: readonly ColumnFigures[],
  kind: ColumnSummary["kind"],
  count: number,
): Partial<ColumnSummary> {
  const counted = figures.filter(({ kind }) => kind !== "missing");
  if (counted.length === 0 || !counted.every(({ values }) => values !== undefined)) return {};
  const spelled = counted.map(({ values = [] }) =>
    kind === "boolean"
      ? values.map(([text, rows]) => [canonicalName(toBoolean(text) ?? text), rows] as const)
      : values
  );
  const values = sumCounts(spelled);
  const named = values.reduce((sum, [, rows]) => sum + rows, 0);
  return {
    values,
    unnamed: count - named,
    distinct: counted.reduce((most, { distinct = 0 }) => Math.max(most, distinct), 0),
  };
}

/** Adds up counts of values, and sorts them as `sortNames()` does. */
export function sumCounts(lists: readonly (readonly ValueCount[])[]): ValueCount[] {
  const sums = new Map<string, number>();
  for (const [value, rows] of lists.flat()) sums.set(value, (sums.get(value) ?? 0) + rows);
  return sortNames(sums.keys()).map((value) => [value, sums.get(value) ?? 0]);
}
