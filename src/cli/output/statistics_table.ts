import { shownName } from "../../data/schema/names.ts";
import type { ColumnSummary, ValueCount } from "../../data/statistics/summary.ts";
import type { SurveyResult } from "../../data/statistics/survey_options.ts";
import { Table } from "./table_deps.ts";

/** Largest number of values of a column that the table lists. */
const MOST_VALUES = 5;
/** Significant digits of a figure. */
const DIGITS = 6;

/** Formats a number with six significant digits, without zeros at the end. */
function number(x: number | undefined): string {
  return x === undefined ? "" : `${Number(x.toPrecision(DIGITS))}`;
}

/** Formats a quantile, with its error where that is not 0. */
function quantile({ quantiles = [] }: ColumnSummary, share: number): string {
  const found = quantiles.find((one) => one.share === share);
  if (found === undefined) return "";
  return found.error === 0
    ? number(found.value)
    : `${number(found.value)} ±${Number(found.error.toPrecision(2))}`;
}

/** Formats counts of values, the largest first. */
export function valueList(counts: readonly ValueCount[], unnamed = 0): string {
  const sorted = counts.toSorted(([, a], [, b]) => b - a);
  const left = sorted.length - MOST_VALUES;
  return [
    ...sorted.slice(0, MOST_VALUES).map(([value, rows]) => `${shownName(value)} ${rows}`),
    ...(left > 0 ? [`${left} more`] : []),
    ...(unnamed > 0 ? [`unnamed ${unnamed}`] : []),
  ].join(", ");
}

/** Formats the figures of columns as a table. */
export function columnTable(columns: readonly ColumnSummary[]): string {
  const shares = [
    ...new Set(columns.flatMap(({ quantiles = [] }) => quantiles.map((q) => q.share))),
  ];
  const heads = shares.sort((a, b) => a - b).map((share) =>
    share === 0.5 ? "median" : `${Number((100 * share).toPrecision(4))}%`
  );
  const table = new Table({
    head: ["column", "missing", "mean", "deviation", "low", ...heads, "high", "values"],
    colAligns: ["left", ...new Array<"right">(5 + heads.length).fill("right"), "left"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const column of columns) {
    const { name, unit, missing, mean, deviation, low, high, values, unnamed } = column;
    const isNumber = column.kind === "number";
    table.push([
      unit === undefined ? shownName(name) : `${shownName(name)} [${shownName(unit)}]`,
      `${missing}`,
      ...[mean, deviation, low].map(number),
      ...shares.map((share) => quantile(column, share)),
      number(high),
      isNumber || values === undefined ? "" : valueList(values, unnamed),
    ]);
  }
  return table.toString();
}

/** Formats a summary: all sites together, then each that allows it. */
export function statisticsText(summary: SurveyResult): string {
  const { rows, columns, classes, classConflict, shape, sites } = summary;
  const shown = sites.filter(({ rows }) => rows !== undefined);
  return [
    `${rows} rows of ${sites.length} ${sites.length === 1 ? "site" : "sites"}`,
    ...(shape ? [`rows of the shape [${shape}]`] : []),
    ...(columns.length > 0 ? [columnTable(columns)] : []),
    ...(classes ? [`classes: ${valueList(classes)}`] : []),
    ...(classConflict === undefined ? [] : [`check the classes: ${classConflict}`]),
    ...columns.flatMap(({ name, kind, conflict }) =>
      conflict === undefined || kind !== "category"
        ? []
        : [`check the column ${shownName(name)}: ${conflict}`]
    ),
    ...shown.flatMap(({ name, rows, columns }) => [
      "",
      `${shownName(name)}: ${rows} rows`,
      ...(columns ? [columnTable(columns)] : []),
    ]),
  ].join("\n");
}
