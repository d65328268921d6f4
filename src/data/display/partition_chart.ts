import { oneLine, shortened } from "../../base/printable.ts";
import type { PartitionReport } from "../partition/report.ts";
import { scaleBand, scaleLinear } from "../../display/chart_deps.ts";
import { PALETTE } from "../../display/line_chart.ts";
import { escapeMarkup } from "../../display/markup.ts";

const WIDTH = 960;
const HEIGHT = 440;
const MARGIN = { top: 64, right: 132, bottom: 56, left: 74 };
/** Largest number of bars; of more parts, evenly spaced ones are drawn. */
const MAX_BARS = 100;
/** Colour of the labels without a colour of their own. */
const GREY = "#bbbbbb";

/** Labels that share a colour. */
interface Series {
  readonly name: string;
  readonly colour: string;
  readonly labels: readonly number[];
}

/**
 * Assigns colours to labels. If there are more labels than colours, the most frequent labels have
 * one each and the others share the grey.
 */
function seriesOf({ parts }: PartitionReport, names: readonly string[]): Series[] {
  const all = parts[0]?.labels.keys().toArray() ?? [];
  const total = (label: number) => parts.reduce((sum, part) => sum + (part.labels[label] ?? 0), 0);
  const totals = all.map(total);
  const coloured = all.length <= PALETTE.length + 1 ? all : all
    .toSorted((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b)
    .slice(0, PALETTE.length).sort((a, b) => a - b);
  const series = coloured.map((label, i) => ({
    name: names[label] ?? `label ${label}`,
    colour: PALETTE[i] ?? GREY,
    labels: [label],
  }));
  const rest = all.filter((label) => !coloured.includes(label));
  if (rest.length > 0) series.push({ name: `${rest.length} others`, colour: GREY, labels: rest });
  return series;
}

/**
 * Draws the rows of each label in each part as stacked bars, in SVG; of more than a hundred parts a
 * hundred are drawn.
 *
 * @param names Names of the labels, of which the first 16 characters are shown.
 */
export function partitionChart(
  report: PartitionReport,
  title: string,
  names: readonly string[] = [],
): string {
  const { length } = report.parts;
  const bars = Math.min(length, MAX_BARS);
  const shown = Array.from({ length: bars }, (_, i) => Math.floor(i * length / bars));
  const series = seriesOf(report, names);
  const [right, bottom] = [WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
  const x = scaleBand(shown, [MARGIN.left, right]).paddingInner(0.15).paddingOuter(0.1);
  const largest = Math.max(...shown.map((part) => report.parts[part]?.size ?? 0));
  const y = scaleLinear([0, largest], [bottom, MARGIN.top]).nice(6);
  const number = (value: number) => value.toLocaleString("en-US");
  const bar = (part: number): string => {
    const { size = 0, labels = [] } = report.parts[part] ?? {};
    let below = 0;
    const pieces = series.map(({ colour, labels: own }) => {
      const count = own.reduce((sum, label) => sum + (labels[label] ?? 0), 0);
      if (count === 0) return "";
      const [from, to] = [y(below), y(below += count)];
      return `<rect x="${(x(part) ?? 0).toFixed(2)}" width="${x.bandwidth().toFixed(2)}" y="${
        to.toFixed(2)
      }" height="${(from - to).toFixed(2)}" fill="${colour}"/>`;
    });
    const held = labels.filter((count) => count > 0).length;
    return `<g class="bar"><title>client ${part + 1}: ${number(size)} rows, ${held} labels</title>${
      pieces.join("")
    }</g>`;
  };
  const grid = y.ticks(6).filter(Number.isInteger).map((tick) =>
    `<line x1="${MARGIN.left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#e3e6ea"/>` +
    `<text x="${MARGIN.left - 10}" y="${y(tick) + 4}" text-anchor="end">${number(tick)}</text>`
  );
  const every = Math.ceil(bars / 20);
  const ticks = shown.filter((_, i) => i % every === 0).map((part) =>
    `<text x="${((x(part) ?? 0) + x.bandwidth() / 2).toFixed(2)}" y="${
      bottom + 18
    }" text-anchor="middle">${part + 1}</text>`
  );
  const legend = series.map(({ name, colour }, i) =>
    `<rect x="${right + 20}" y="${MARGIN.top + i * 22}" width="14" height="14" fill="${colour}"/>` +
    `<text x="${right + 42}" y="${MARGIN.top + i * 22 + 11}">${
      escapeMarkup(shortened(oneLine(name), 16))
    }</text>`
  );
  const note = bars < length
    ? `${bars} of ${number(length)} clients are drawn, evenly spaced; `
    : "";
  const middle = (MARGIN.top + bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#3c4450" role="img">`,
    `<title>${escapeMarkup(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="28" font-size="15" font-weight="600">${
      escapeMarkup(title)
    }</text>`,
    `<text x="${MARGIN.left}" y="47">${note}mean total variation from the whole ${
      report.meanTotalVariation.toFixed(3)
    }</text>`,
    ...grid,
    ...shown.map(bar),
    ...ticks,
    ...legend,
    `<text x="${(MARGIN.left + right) / 2}" y="${HEIGHT - 14}" text-anchor="middle">client</text>`,
    `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">rows</text>`,
    "</svg>",
    "",
  ].join("\n");
}
