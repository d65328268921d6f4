/** @jsxImportSource npm:preact@10.27.2 */
import { awaitedClients, lateClients } from "../late_clients.ts";
import type { ClientRow, OpenRound } from "../view.ts";
import { useEffect, useMemo, useState } from "./deps.ts";
import { duration, number, percent } from "./format.ts";

/** Height of a row in pixels, and of the part of the table that is seen. */
const ROW = 30, SEEN = 420;

/** Rows beyond those that are seen, above and below. */
const SPARE = 10;

interface Column {
  readonly name: string;
  readonly isText?: boolean;
  of(row: ClientRow): string | number | undefined;
  show?(row: ClientRow): string;
}

/** Column of the time from the start of a round to the update. */
const TIME = "time";

const COLUMNS: readonly Column[] = [
  { name: "rank", of: ({ rank }) => rank },
  { name: "name", isText: true, of: ({ name }) => name },
  { name: "state", isText: true, of: ({ state }) => state },
  { name: TIME, of: ({ seconds }) => seconds, show: ({ seconds }) => duration(seconds) },
  {
    name: "mean time",
    of: ({ meanSeconds }) => meanSeconds,
    show: ({ meanSeconds }) => duration(meanSeconds),
  },
  {
    name: "upload",
    of: ({ uploadSeconds }) => uploadSeconds,
    show: ({ uploadSeconds }) => duration(uploadSeconds),
  },
  { name: "round", of: ({ round }) => round },
  { name: "samples", of: ({ samples }) => samples },
  { name: "loss", of: ({ loss }) => loss },
  { name: "accuracy", of: ({ accuracy }) => accuracy, show: ({ accuracy }) => percent(accuracy) },
  { name: "updates", of: ({ received }) => received },
  { name: "refused", of: ({ refused }) => refused },
  { name: "last trouble", isText: true, of: ({ trouble }) => trouble },
  { name: "identity", isText: true, of: ({ identity }) => identity },
  { name: "program", isText: true, of: ({ agent }) => agent },
  { name: "address", isText: true, of: ({ address }) => address },
];

/** Table of clients. Only the rows that are seen are part of the page. */
export function Clients(
  { rows, omitted, open, isOver, drop }: {
    rows: readonly ClientRow[];
    omitted: number;
    open: OpenRound | undefined;
    isOver: boolean;
    drop?: (rank: number) => void;
  },
) {
  const [sort, setSort] = useState({ name: "rank", isDown: false });
  const [wanted, want] = useState("");
  const [top, scroll] = useState(0);
  const column = COLUMNS.find(({ name }) => name === sort.name);
  const late = lateClients(rows, open, Date.now());
  const awaited = awaitedClients(open);
  useClock(open !== undefined);
  const shown = useMemo(() => {
    const found = wanted === ""
      ? [...rows]
      : rows.filter((row) =>
        COLUMNS.some(({ of }) => `${of(row) ?? ""}`.toLowerCase().includes(wanted.toLowerCase()))
      );
    const order = (row: ClientRow) => column?.of(row);
    found.sort((a, b) => compare(order(a), order(b)) * (sort.isDown ? -1 : 1));
    return found;
  }, [rows, wanted, sort]);
  const columns = COLUMNS.filter(({ name, of }) =>
    name === "rank" || name === "state" || rows.some((row) => of(row) !== undefined)
  );
  // A report of a simulation has no clients.
  if (rows.length === 0 && isOver) return null;
  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const part = shown.slice(first, first + Math.ceil(SEEN / ROW) + 2 * SPARE);
  const after = Math.max(0, shown.length - first - part.length);
  return (
    <section class="wide" aria-labelledby="clients">
      <div class="bar">
        <h2 id="clients">Clients</h2>
        <label>
          <span class="hidden">Find clients</span>
          <input
            type="search"
            placeholder="find"
            value={wanted}
            onInput={(event) => want(event.currentTarget.value)}
          />
        </label>
        <span class="soft">
          {shown.length} of {rows.length}
          {omitted > 0 && `, ${omitted} more are not listed`}
        </span>
      </div>
      {rows.length === 0 ? <p class="soft">No client has been heard of yet.</p> : (
        <div
          class="table"
          tabIndex={0}
          onScroll={(event) => scroll(event.currentTarget.scrollTop)}
        >
          <table aria-rowcount={shown.length + 1}>
            <thead>
              <tr>
                {columns.map(({ name, isText }) => (
                  <th
                    key={name}
                    scope="col"
                    class={isText ? "text" : ""}
                    aria-sort={sort.name !== name
                      ? "none"
                      : sort.isDown
                      ? "descending"
                      : "ascending"}
                  >
                    <button
                      type="button"
                      onClick={() => setSort({ name, isDown: sort.name === name && !sort.isDown })}
                    >
                      {name}
                      {sort.name === name && (sort.isDown ? " ↓" : " ↑")}
                    </button>
                  </th>
                ))}
                {drop && <th scope="col">action</th>}
              </tr>
            </thead>
            <tbody>
              {first > 0 && <tr style={{ height: `${first * ROW}px` }} aria-hidden="true" />}
              {part.map((row, i) => (
                <tr key={row.rank} aria-rowindex={first + i + 2}>
                  {columns.map((column) => (
                    <td
                      key={column.name}
                      class={`${column.isText ? "text" : ""} ${
                        late.has(row.rank) && (column.name === "state" || column.name === TIME)
                          ? "late"
                          : ""
                      }`}
                      title={`${column.of(row) ?? ""}`}
                    >
                      {column.name === TIME && open && awaited.has(row.rank)
                        ? awaitedText(open)
                        : column.show?.(row) ?? textOf(column.of(row))}
                      {column.name === "state" && late.has(row.rank) && " (late)"}
                    </td>
                  ))}
                  {drop && (
                    <td>
                      {row.state !== "left" && (
                        <button
                          type="button"
                          class="danger"
                          onClick={() => drop(row.rank)}
                        >
                          Drop<span class="hidden">client {row.rank}</span>
                        </button>
                      )}
                    </td>
                  )}
                </tr>
              ))}
              {after > 0 && <tr style={{ height: `${after * ROW}px` }} aria-hidden="true" />}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** Draws the component anew each second while something goes on. */
function useClock(goesOn: boolean): void {
  const [, setSecond] = useState(0);
  useEffect(() => {
    if (!goesOn) return;
    const timer = setInterval(() => setSecond((second) => second + 1), 1000);
    return () => clearInterval(timer);
  }, [goesOn]);
}

/** Describes how long the update of a client has been awaited; nothing in the first second. */
function awaitedText({ startedAt }: OpenRound): string {
  const seconds = Math.floor((Date.now() - startedAt) / 1000);
  return seconds < 1 ? "…" : `${duration(seconds)} so far`;
}

function textOf(value: string | number | undefined): string {
  return typeof value === "number" ? number(value) : value ?? "";
}

function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return typeof a === "number" && typeof b === "number" ? a - b : `${a}`.localeCompare(`${b}`);
}
