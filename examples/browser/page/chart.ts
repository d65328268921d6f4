const SVG = "http://www.w3.org/2000/svg";
/** Position of the plot in the picture of 400 by 210. */
const PLOT = { left: 52, right: 390, top: 10, bottom: 180 };

/** Line of the chart: accuracies from 0 to 1 by round, from 1. */
export type Line = ReadonlyMap<number, number>;

function element(name: string, attributes: Record<string, string | number>, text = ""): Element {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** Draws accuracy by round into the picture. */
export function drawChart(
  svg: Element,
  rounds: number,
  lines: { readonly global: Line; readonly local: Line },
): void {
  const { left, right, top, bottom } = PLOT;
  const x = (round: number) => left + (right - left) * (round - 1) / Math.max(1, rounds - 1);
  const y = (accuracy: number) => bottom - (bottom - top) * accuracy;
  const parts: Element[] = [];
  for (const level of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(
      element("line", { class: "grid", x1: left, x2: right, y1: y(level), y2: y(level) }),
    );
    const place = { x: left - 8, y: y(level) + 4, "text-anchor": "end" };
    if (level * 2 % 1 === 0) parts.push(element("text", place, `${level * 100}%`));
  }
  for (const round of new Set([1, Math.ceil(rounds / 2), rounds])) {
    const anchor = round === 1 ? "start" : round === rounds ? "end" : "middle";
    const place = { x: x(round), y: bottom + 22, "text-anchor": anchor };
    parts.push(element("text", place, round === 1 ? "round 1" : String(round)));
  }
  for (const name of ["local", "global"] as const) {
    const points = Array.from(lines[name], ([round, accuracy]) => [x(round), y(accuracy)] as const);
    parts.push(element("polyline", { class: name, points: points.join(" ") }));
    const [cx, cy] = points.at(-1) ?? [];
    if (name === "global" && cx !== undefined && cy !== undefined) {
      parts.push(element("circle", { class: name, cx, cy, r: 4 }));
    }
  }
  svg.replaceChildren(...parts);
}
