/** @jsxImportSource npm:preact@10.27.2 */
import type { Picture, PictureMessage, PictureRow } from "../../../src/world/watch/picture.ts";
import { useEffect, useMemo, useState } from "./deps.ts";
import { bandsOf, heightOf, livesOf } from "./layout.ts";

/** Widest and narrowest lane in pixels. */
const LANE = { most: 96, least: 13 };
/** Shares of the width of a window that the lanes take, and heights of a row in pixels. */
const WIDE = { share: 0.55, row: 24 }, NARROW = { share: 0.36, row: 38 };
/** Width of a window, in pixels, below which it is narrow. */
const NARROW_BELOW = 600;

/** Rows of a page: times and texts as a table, and the lanes with their arrows beside them. */
export function Diagram({ picture, page, lane }: {
  picture: Picture;
  page: readonly PictureRow[];
  lane: number;
}) {
  const lanes = picture.lanes.map((name, i) => ({ name, i })).filter(({ i }) =>
    lane < 0 || i === 0 || i === lane
  );
  const window = useWidth(), { share, row: height } = window < NARROW_BELOW ? NARROW : WIDE;
  const room = Math.min(window, 1240) * share;
  const width = Math.max(LANE.least, Math.min(LANE.most, Math.floor(room / lanes.length)));
  const isWide = width >= 64;
  const x = (i: number) => (lanes.findIndex((one) => one.i === i) + 0.5) * width;
  const full = lanes.length * width;
  return (
    <div class="diagram" style={{ "--lanes": `${full}px`, "--row": `${height}px` }}>
      <table>
        <caption class="hidden">Messages and events, in the order of their times</caption>
        <thead>
          <tr>
            <th scope="col">s</th>
            <td class="lanes" aria-hidden="true">
              {lanes.map(({ name, i }) => (
                <span key={i} title={name} style={{ width: `${width}px` }}>
                  {isWide ? name : i === 0 ? "S" : i}
                </span>
              ))}
            </td>
            <th scope="col">Message or event</th>
          </tr>
        </thead>
        <tbody>
          {page.map((row, i) => (
            <tr key={i} data-type={row.type} data-late={isLost(row)}>
              <td class="time">{row.at.toFixed(3)}</td>
              <td class="lanes" />
              <td class="text">
                <div class="lines">
                  <Text row={row} names={picture.lanes} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Lanes
        {...{ picture, page, x, width: full, row: height }}
        lanes={lanes.map(({ i }) => i)}
      />
    </div>
  );
}

/** Width of the window, in pixels. */
function useWidth(): number {
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const follow = () => setWidth(innerWidth);
    addEventListener("resize", follow);
    return () => removeEventListener("resize", follow);
  }, []);
  return width;
}

function isLost(row: PictureRow): boolean {
  return row.type === "message" && row.arrived === undefined;
}

function Text({ row, names }: { row: PictureRow; names: readonly string[] }) {
  if (row.type === "message") {
    const { code, name, detail, from, to, arrived, at } = row;
    const took = arrived === undefined ? "lost" : `${((arrived - at) * 1000).toFixed(1)} ms`;
    return (
      <>
        <span class="hidden">{names[from]} to {names[to]}:</span>
        <b>{code < 0 ? "bytes that are no frame" : `${code} ${name}`}</b>{" "}
        <span class="soft">{detail && `${detail}; `}{took}</span>
      </>
    );
  }
  const whose = row.type === "up" || row.type === "down" || row.type === "log"
    ? `${names[row.lane ?? 0]} `
    : row.type === "fault"
    ? "fault "
    : "";
  return <>{whose}{row.text}</>;
}

function Lanes({ picture, page, lanes, x, width, row: unit }: {
  picture: Picture;
  page: readonly PictureRow[];
  lanes: readonly number[];
  x: (lane: number) => number;
  width: number;
  /** Height of a row. */
  row: number;
}) {
  const height = page.length * unit;
  const [lives, bands] = useMemo(() => [livesOf(picture, page), bandsOf(picture, page)], [page]);
  return (
    <svg width={width} height={height} aria-hidden="true">
      {bands.map(({ round, from, to }, i) => (
        <g key={i}>
          <rect class="band" x={0} y={unit * from} width={width} height={unit * (to - from)} />
          <text class="round" x={3} y={unit * from + 11}>{round}</text>
        </g>
      ))}
      {lanes.map((lane) => (
        <g key={lane}>
          <line class="gone" x1={x(lane)} x2={x(lane)} y1={0} y2={height} />
          {lives[lane]?.map(({ from, to }, i) => (
            <line key={i} class="life" x1={x(lane)} x2={x(lane)} y1={unit * from} y2={unit * to} />
          ))}
        </g>
      ))}
      {page.map((row, i) => {
        const y = (i + 0.5) * unit;
        if (row.type === "message") {
          const end = Math.min(page.length, heightOf(page, row.arrived ?? row.at)) * unit;
          return <Arrow key={i} row={row} x={x} from={y} to={Math.max(y, end)} />;
        }
        if (row.type === "fault") {
          return <line key={i} class="fault" x1={0} x2={width} y1={y} y2={y} />;
        }
        if ((row.type === "up" || row.type === "down") && row.lane !== undefined) {
          const mark = row.type === "up"
            ? <circle class="up" cx={x(row.lane)} cy={y} r={4} />
            : <Cross x={x(row.lane)} y={y} />;
          return lanes.includes(row.lane) ? <g key={i}>{mark}</g> : null;
        }
        return null;
      })}
    </svg>
  );
}

function Cross({ x, y }: { x: number; y: number }) {
  return <path class="down" d={`M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8`} />;
}

function Arrow({ row, x, from: y, to: end }: {
  row: PictureMessage;
  x: (lane: number) => number;
  /** Heights at which it begins and ends. */
  from: number;
  to: number;
}) {
  const from = x(row.from), to = x(row.to), side = to > from ? -1 : 1;
  if (row.arrived === undefined) {
    const middle = (from + to) / 2;
    return (
      <g class="lost">
        <line x1={from} y1={y} x2={middle} y2={y} />
        <Cross x={middle} y={y} />
      </g>
    );
  }
  return (
    <g class={row.name === "Error" ? "arrow error" : "arrow"}>
      <line x1={from} y1={y} x2={to} y2={end} />
      <path d={`M${to} ${end}l${side * 6} -3v6z`} />
    </g>
  );
}
