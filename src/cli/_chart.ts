import type { RunReport } from "../server/report.ts";
import { line, scaleLinear } from "./deps.ts";

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { top: 48, right: 24, bottom: 48, left: 64 };

/** A text as it stands in an SVG. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** Test accuracy by round, as an SVG picture. Rounds without an evaluation are left out. */
export function accuracyChart(report: RunReport): string {
  const points = report.rounds.flatMap(({ round, accuracy }): [number, number][] =>
    accuracy === undefined ? [] : [[round, accuracy]]
  );
  const lowest = Math.min(...points.map(([, accuracy]) => accuracy));
  const lastRound = Math.max(2, ...points.map(([round]) => round));
  const x = scaleLinear([1, lastRound], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([Math.floor(lowest * 10) / 10, 1], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const path = line<[number, number]>(([round]) => x(round), ([, accuracy]) => y(accuracy))(points);
  const percent = (accuracy: number) => `${Math.round(accuracy * 1000) / 10}%`;
  const last = points.at(-1);
  const title = `Test accuracy by round: ${report.strategy}, ${
    report.worldSize - 1
  } clients, seed ${report.seed}`;
  const grid = y.ticks(6).map((tick) =>
    `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick)}" y2="${
      y(tick)
    }" stroke="#e3e6ea"/>` +
    `<text x="${MARGIN.left - 10}" y="${y(tick) + 4}" text-anchor="end">${percent(tick)}</text>`
  );
  const rounds = x.ticks(Math.min(10, lastRound)).filter(Number.isInteger).map((tick) =>
    `<text x="${x(tick)}" y="${HEIGHT - MARGIN.bottom + 20}" text-anchor="middle">${tick}</text>`
  );
  const dots = points.map(([round, accuracy]) =>
    `<circle cx="${x(round).toFixed(1)}" cy="${
      y(accuracy).toFixed(1)
    }" r="3"><title>round ${round}: ${percent(accuracy)}</title></circle>`
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#3c4450" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="28" font-size="15" font-weight="600">${escapeXml(title)}</text>`,
    ...grid,
    ...rounds,
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${
      HEIGHT - 10
    }" text-anchor="middle">round</text>`,
    `<path d="${path ?? ""}" fill="none" stroke="#2563eb" stroke-width="2"/>`,
    `<g fill="#2563eb">${dots.join("")}</g>`,
    ...(last === undefined ? [] : [
      `<text x="${WIDTH - MARGIN.right}" y="${
        y(last[1]) - 10
      }" text-anchor="end" font-weight="600">${percent(last[1])}</text>`,
    ]),
    "</svg>",
    "",
  ].join("\n");
}
