import { line, scaleLinear } from "./chart_deps.ts";
import { escapeMarkup } from "./markup.ts";

const WIDTH = 760;
const MARGIN = { top: 48, right: 28, bottom: 52, left: 76 };
/** Height of the area between the axes. */
const PLOT_HEIGHT = 320;
/** Height of a line of the legend. */
const LEGEND_LINE = 20;
/** Largest number of points of a line that are drawn as dots. */
const MOST_DOTS = 60;

/** Paul Tol's "muted" scheme, for readers of any colour vision. */
export const PALETTE: readonly string[] = [
  "#332288",
  "#cc6677",
  "#117733",
  "#88ccee",
  "#999933",
  "#aa4499",
  "#44aa99",
  "#882255",
  "#ddcc77",
];
/** Dashes that distinguish lines of the same colour. */
const DASHES = ["", "7 4", "2 3"] as const;

/** Axis of a chart. */
export interface Axis {
  /** Quantity on the axis, with its unit. */
  readonly title: string;
  /** Formats a value as the label of a tick. */
  readonly label: (value: number) => string;
  /** Formats a value in full, with its unit. Default: `label`. */
  readonly exact?: (value: number) => string;
  /** Is true for an axis with ticks at whole numbers only. */
  readonly isWhole?: boolean;
  /** Range that the axis covers at least. Default: that of the points. */
  readonly from?: number;
  /** Value that the axis does not exceed. Default: none. */
  readonly most?: number;
}

/** Line of a chart. */
export interface Line {
  /** Name in the legend. */
  readonly name: string;
  /** Points from left to right, at least one. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Content of a chart. */
export interface ChartOptions {
  /** Title above the chart. */
  readonly title: string;
  /** Horizontal axis. */
  readonly x: Axis;
  /** Vertical axis. */
  readonly y: Axis;
  /** Better end of the y axis; the best point of each line is marked. */
  readonly best: "high" | "low";
}

/** Draws lines in one SVG picture with a legend below. */
export function lineChart(lines: readonly Line[], { title, x, y, best }: ChartOptions): string {
  const points = lines.flatMap(({ points }) => points);
  const right = WIDTH - MARGIN.right, bottom = MARGIN.top + PLOT_HEIGHT;
  const height = bottom + MARGIN.bottom + lines.length * LEGEND_LINE + 12;
  const [left, end] = extent(points.map(([at]) => at), x);
  const across = scaleLinear([left, end], [MARGIN.left, right]);
  const nice = scaleLinear().domain(extent(points.map(([, value]) => value), y)).nice(6).domain();
  const [low = 0, high = 1] = nice;
  const up = scaleLinear([low, Math.min(high, y.most ?? high)], [bottom, MARGIN.top]);

  const grid = up.ticks(6).map((tick) =>
    `<line x1="${MARGIN.left}" x2="${right}" y1="${fixed(up(tick))}" y2="${
      fixed(up(tick))
    }" stroke="#e3e6ea"/>` +
    `<text x="${MARGIN.left - 10}" y="${fixed(up(tick) + 4)}" text-anchor="end">${
      y.label(tick)
    }</text>`
  );
  const ticks = across.ticks(8).filter((tick) => !x.isWhole || Number.isInteger(tick)).map(
    (tick) =>
      `<line x1="${fixed(across(tick))}" x2="${fixed(across(tick))}" y1="${bottom}" y2="${
        bottom + 5
      }" stroke="#9aa1ab"/>` +
      `<text x="${fixed(across(tick))}" y="${bottom + 20}" text-anchor="middle">${
        x.label(tick)
      }</text>`,
  );
  const [of, at] = [y.exact ?? y.label, x.exact ?? x.label];
  const path = line<readonly [number, number]>(([a]) => across(a), ([, b]) => up(b)).digits(1);
  const drawn = lines.map(({ name, points }, i) => {
    const colour = PALETTE[i % PALETTE.length];
    const dash = DASHES[Math.floor(i / PALETTE.length) % DASHES.length];
    const look = `stroke="${colour}" stroke-width="2"${dash && ` stroke-dasharray="${dash}"`}`;
    const dot = ([a, b]: readonly [number, number], radius: number, extra = "") =>
      `<circle cx="${fixed(across(a))}" cy="${fixed(up(b))}" r="${radius}"${extra}><title>${
        escapeMarkup(name)
      }, ${at(a)}: ${of(b)}</title></circle>`;
    const top = bestOf(points, best);
    const below = bottom + MARGIN.bottom + i * LEGEND_LINE + 10;
    return {
      curve: `<path d="${path([...points])}" fill="none" stroke-linejoin="round" ${look}/>` +
        `<g fill="${colour}">${
          points.length > MOST_DOTS ? "" : points.map((point) => dot(point, 2.5)).join("")
        }</g>`,
      mark: dot(top, 5.5, ` class="best" fill="${colour}" stroke="#ffffff" stroke-width="1.5"`),
      legend:
        `<line x1="${MARGIN.left}" x2="${MARGIN.left + 28}" y1="${below}" y2="${below}" ${look}/>` +
        `<circle cx="${MARGIN.left + 14}" cy="${below}" r="4.5" fill="${colour}"/>` +
        `<text x="${MARGIN.left + 40}" y="${below + 4}">${escapeMarkup(name)}: best ` +
        `<tspan font-weight="600">${of(top[1])}</tspan> at ${at(top[0])}</text>`,
    };
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#3c4450" role="img">`,
    `<title>${escapeMarkup(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="28" font-size="15" font-weight="600">${
      escapeMarkup(title)
    }</text>`,
    ...grid,
    `<line x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}" stroke="#9aa1ab"/>`,
    ...ticks,
    `<text x="${(MARGIN.left + right) / 2}" y="${
      bottom + 40
    }" text-anchor="middle">${x.title}</text>`,
    `<text transform="translate(18 ${
      (MARGIN.top + bottom) / 2
    }) rotate(-90)" text-anchor="middle">${y.title}</text>`,
    ...drawn.map(({ curve }) => curve),
    // The marks are drawn above all lines.
    ...drawn.map(({ mark }) => mark),
    ...drawn.map(({ legend }) => legend),
    "</svg>",
    "",
  ].join("\n");
}

/** Finds the first of the best points. */
function bestOf(points: Line["points"], best: "high" | "low"): readonly [number, number] {
  const sign = best === "high" ? 1 : -1;
  return points.reduce((a, b) => sign * b[1] > sign * a[1] ? b : a);
}

/** Computes the range of an axis; a single value lies in its middle. */
function extent(values: readonly number[], { from }: Axis): [number, number] {
  const low = from ?? values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), low);
  if (high > low) return [low, high];
  const around = Math.abs(low) / 10 || 1;
  return [low - around, low + around];
}

function fixed(pixels: number): string {
  return pixels.toFixed(1);
}
