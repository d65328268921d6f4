import { shownName } from "../../data/schema/names.ts";
import type { ColumnSummary } from "../../data/statistics/summary.ts";
import { scaleLinear } from "../../display/chart_deps.ts";
import { PALETTE } from "../../display/line_chart.ts";
import { escapeMarkup } from "../../display/markup.ts";

/** Number of panels side by side. */
const ACROSS = 3;
const PANEL = { width: 300, height: 200 };
const MARGIN = { top: 34, right: 14, bottom: 30, left: 44 };
/** Height of the title above the panels. */
const TITLE = 44;
/** Most bars of a panel of categories; the most frequent are drawn. */
const MOST_BARS = 30;
/** Most panels. */
const MOST_PANELS = 300;

/** Bars of a panel, each with its place between 0 and 1 and its number of rows. */
interface Bars {
  readonly bars: readonly { readonly label: string; readonly rows: number }[];
  /** Labels at the left and the right end of the axis. */
  readonly ends: readonly [string, string];
}

/** Draws a histogram of each column of numbers, and bars of each column of categories, in SVG. */
export function histogramChart(columns: readonly ColumnSummary[], title: string): string {
  const drawn = columns.flatMap((column) => {
    const bars = barsOf(column);
    return bars === undefined ? [] : [{ column, bars }];
  });
  const panels = drawn.slice(0, MOST_PANELS).map(({ column, bars }, i) => {
    const x = (i % ACROSS) * PANEL.width, y = TITLE + Math.floor(i / ACROSS) * PANEL.height;
    return `<g class="column" transform="translate(${x} ${y})">${panel(column, bars)}</g>`;
  });
  const width = ACROSS * PANEL.width;
  const height = TITLE + Math.max(1, Math.ceil(panels.length / ACROSS)) * PANEL.height;
  const left = drawn.length - panels.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="system-ui, sans-serif" font-size="11" fill="#3c4450" role="img">`,
    `<title>${escapeMarkup(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="28" font-size="15" font-weight="600">${escapeMarkup(title)}${
      left > 0 ? `; ${left} more columns are not drawn` : ""
    }</text>`,
    ...panels,
    "</svg>",
    "",
  ].join("\n");
}

function barsOf({ kind, histogram, values }: ColumnSummary): Bars | undefined {
  if (kind === "number" && histogram) {
    const { low, high, counts } = histogram;
    const edge = (i: number) => number(low + (high - low) * i / counts.length);
    return {
      bars: counts.map((rows, i) => ({ label: `${edge(i)} to ${edge(i + 1)}`, rows })),
      ends: [number(low), number(high)],
    };
  }
  if (kind === "number" || !values || values.length === 0) return undefined;
  const sorted = values.toSorted(([, a], [, b]) => b - a).slice(0, MOST_BARS);
  const [first = "", last = ""] = [sorted[0]?.[0], sorted.at(-1)?.[0]].map((name = "") =>
    shownName(name).slice(0, 20)
  );
  return {
    bars: sorted.map(([label, rows]) => ({ label: shownName(label), rows })),
    ends: [first, sorted.length > 1 ? last : ""],
  };
}

function panel({ name, unit, missing }: ColumnSummary, { bars, ends }: Bars): string {
  const right = PANEL.width - MARGIN.right, bottom = PANEL.height - MARGIN.bottom;
  const most = bars.reduce((most, { rows }) => Math.max(most, rows), 1);
  const up = scaleLinear([0, most], [bottom, MARGIN.top]).nice(4);
  const width = (right - MARGIN.left) / bars.length;
  const heading = `${shownName(name)}${unit === undefined ? "" : ` [${shownName(unit)}]`}${
    missing > 0 ? `, ${missing} missing` : ""
  }`;
  return [
    `<text x="${MARGIN.left}" y="20" font-weight="600">${escapeMarkup(heading)}</text>`,
    ...up.ticks(4).filter(Number.isInteger).map((tick) =>
      `<line x1="${MARGIN.left}" x2="${right}" y1="${fixed(up(tick))}" y2="${
        fixed(up(tick))
      }" stroke="#e3e6ea"/><text x="${MARGIN.left - 6}" y="${
        fixed(up(tick) + 4)
      }" text-anchor="end">${tick}</text>`
    ),
    ...bars.map(({ label, rows }, i) =>
      `<rect x="${fixed(MARGIN.left + i * width + 0.5)}" width="${
        fixed(Math.max(0.5, width - 1))
      }" y="${fixed(up(rows))}" height="${fixed(bottom - up(rows))}" fill="${PALETTE[0]}"><title>${
        escapeMarkup(label)
      }: ${number(rows)} rows</title></rect>`
    ),
    `<text x="${MARGIN.left}" y="${bottom + 16}">${escapeMarkup(ends[0])}</text>`,
    `<text x="${right}" y="${bottom + 16}" text-anchor="end">${escapeMarkup(ends[1])}</text>`,
  ].join("");
}

function number(x: number): string {
  return `${Number(x.toPrecision(4))}`;
}

function fixed(pixels: number): string {
  return pixels.toFixed(1);
}
