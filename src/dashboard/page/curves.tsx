/** @jsxImportSource npm:preact@10.27.2 */
import type { RoundPoint, RunView } from "../view.ts";
import { Plot, useEffect, useMemo, useRef, useState } from "./deps.ts";
import { number } from "./format.ts";

/** Colours of the curves, as names of style variables. */
const COLOURS = ["--one", "--two", "--three", "--four", "--five"];

/** Number of rounds in the table beside the picture. */
const LAST_ROUNDS = 50;

/** A figure that can be drawn. */
interface Figure {
  readonly name: string;
  of(point: RoundPoint): number | undefined;
  /** Lowest and highest value over the clients, and their worst tenth. */
  band?(point: RoundPoint): readonly [number, number, number] | undefined;
}

/** Lists the figures that rounds have. */
function figuresOf(points: readonly RoundPoint[]): Figure[] {
  const metrics = new Set(points.flatMap(({ metrics }) => Object.keys(metrics ?? {})));
  const overClients = (name: "accuracy" | "loss"): Figure => ({
    name: `${name} of clients`,
    of: ({ clients }) => clients?.[name]?.mean,
    band: ({ clients }) => {
      const found = clients?.[name];
      return found && [found.smallest, found.largest, found.worstDecile];
    },
  });
  const all: Figure[] = [
    { name: "accuracy", of: ({ accuracy }) => accuracy },
    { name: "loss", of: ({ loss }) => loss },
    { name: "training loss", of: ({ trainLoss }) => trainLoss },
    overClients("accuracy"),
    overClients("loss"),
    ...[...metrics].map((name): Figure => ({ name, of: ({ metrics }) => metrics?.[name] })),
    { name: "seconds", of: ({ seconds }) => seconds },
    { name: "updates", of: ({ received }) => received },
  ];
  return all.filter(({ of }) => points.some((point) => of(point) !== undefined));
}

/** Curves of a figure over the rounds: those of the run, and of the runs that are compared. */
export function Curves({ view, others }: { view: RunView; others: readonly RunView[] }) {
  const [chosen, choose] = useState("accuracy");
  const names = useMemo(() => figuresOf(view.points), [view.points.length > 0, view.run.id]);
  const figures = names.length > 0 ? names : figuresOf(view.points);
  const figure = figures.find(({ name }) => name === chosen) ?? figures[0];
  return (
    <section aria-labelledby="curves">
      <div class="bar">
        <h2 id="curves">Rounds</h2>
        {figure && (
          <label class="pick">
            <span class="hidden">Figure to draw</span>
            <select value={figure.name} onChange={(event) => choose(event.currentTarget.value)}>
              {figures.map(({ name }) => <option key={name} value={name}>{name}</option>)}
            </select>
          </label>
        )}
      </div>
      {figure === undefined ? <p class="soft">No round has ended yet.</p> : (
        <>
          <Picture runs={[view, ...others]} figure={figure} size={view.points.length} />
          <Figures points={view.points} figure={figure} />
        </>
      )}
    </section>
  );
}

function Picture(
  { runs, figure, size }: { runs: readonly RunView[]; figure: Figure; size: number },
) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const data = () => dataOf(runs, figure);
  const ids = runs.map(({ run }) => run.id).join("\n");
  const hasBand = runs[0]?.points.some((point) => figure.band?.(point)) ?? false;
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const make = () => {
      plot.current?.destroy();
      plot.current = new Plot(optionsOf(runs, figure, element.clientWidth), data(), element);
    };
    make();
    const sizes = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT })
    );
    sizes.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    return () => {
      sizes.disconnect();
      scheme.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [ids, figure.name, hasBand]);
  useEffect(() => plot.current?.setData(data()), [size]);
  const last = runs[0]?.points.at(-1);
  const text = last === undefined
    ? "No round has ended yet."
    : `${figure.name} over ${size} rounds; in round ${last.round}: ${number(figure.of(last))}`;
  return <div class="plot" role="img" aria-label={text} ref={place} />;
}

/** Distances between marks of rounds: whole numbers. */
const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5].flatMap((power) => [power, 2 * power, 5 * power]);

/** Height of the picture in pixels. */
const HEIGHT = 300;

function dataOf(runs: readonly RunView[], figure: Figure): Plot.AlignedData {
  const tables = runs.map(({ points }, i): Plot.AlignedData => {
    const rounds = points.map(({ round }) => round);
    const values = points.map((point) => figure.of(point) ?? null);
    if (i > 0 || figure.band === undefined) return [rounds, values];
    const bands = points.map((point) => figure.band?.(point));
    return [
      ...[rounds, values],
      ...[0, 1, 2].map((part) => bands.map((band) => band?.[part] ?? null)),
    ] as Plot.AlignedData;
  });
  return tables.length === 1 ? tables[0] as Plot.AlignedData : Plot.join(tables);
}

/** Writes the value under the pointer in the legend, or the last one where there is no pointer. */
function valueOrLast(plot: Plot, value: number | null, series: number, at: number | null): string {
  return number(at === null ? plot.data[series]?.at(-1) : value);
}

function optionsOf(runs: readonly RunView[], figure: Figure, width: number): Plot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const curve = (label: string, i: number): Plot.Series => ({
    label,
    stroke: colour(COLOURS[i % COLOURS.length] ?? "--one"),
    width: 2,
    spanGaps: true,
    points: { show: false },
    value: valueOrLast,
  });
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 } };
  const bands = figure.band === undefined ? [] : [
    { label: "lowest", stroke: colour("--wait"), width: 1 },
    { label: "highest", stroke: colour("--wait"), width: 1 },
    { label: "worst tenth", stroke: colour("--two"), width: 1, dash: [4, 3] },
  ].map((series): Plot.Series => ({
    ...series,
    spanGaps: true,
    points: { show: false },
    value: valueOrLast,
  }));
  const [first, ...others] = runs;
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [{ ...axis, label: "round", incrs: WHOLE }, { ...axis, label: figure.name, size: 64 }],
    series: [
      { label: "round", value: valueOrLast },
      curve(first?.run.name ?? "", 0),
      ...bands,
      ...others.map(({ run }, i) => curve(run.name, i + 1)),
    ],
    ...(bands.length > 0 && { bands: [{ series: [3, 2], fill: colour("--band") }] }),
    legend: { live: true },
  };
}

function Figures({ points, figure }: { points: readonly RoundPoint[]; figure: Figure }) {
  return (
    <details>
      <summary>The last {Math.min(points.length, LAST_ROUNDS)} rounds as a table</summary>
      <div class="table" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">round</th>
              <th scope="col">{figure.name}</th>
              <th scope="col">updates</th>
              <th scope="col">not answered</th>
              <th scope="col">refused</th>
              <th scope="col">seconds</th>
            </tr>
          </thead>
          <tbody>
            {points.slice(-LAST_ROUNDS).reverse().map((point) => (
              <tr key={point.round}>
                <td>{point.round}</td>
                <td>{number(figure.of(point))}</td>
                <td>{point.received}</td>
                <td>{point.dropped}</td>
                <td>{point.refused}</td>
                <td>{number(point.seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
