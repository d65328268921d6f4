import { styleText } from "node:util";
import { awaitedClients, lateClients } from "../../dashboard/late_clients.ts";
import type { ClientRow, RunView } from "../../dashboard/view.ts";
import { Table } from "./table_deps.ts";
import { duration } from "./terminal.ts";

/** Greatest width of the names. */
const MOST_NAME = 30;

/** Words for the letters of the clients in a round under way. */
const WORDS: Readonly<Record<string, string>> = {
  ".": "at work",
  u: "sends",
  i: "has sent",
  r: "has sent",
  x: "refused",
  a: "connection lost",
};

/** Parts of a run that the table shows. */
export type TableView = Pick<RunView, "clients" | "open"> & {
  readonly head: Pick<RunView["head"], "clientsOmitted">;
};

/** Table of clients for a terminal. */
export interface LiveTable {
  /** Lines, the head first. */
  readonly lines: readonly string[];
  /** Number of columns of the terminal that they take. */
  readonly columns: number;
}

/** Column of the table. */
interface Column {
  readonly name: string;
  /** Number of characters, with a gap. */
  readonly width: number;
  readonly isText?: boolean;
  of(row: ClientRow): string | undefined;
  /** Colour of the text of a client. */
  tone?(row: ClientRow): "red" | "yellow" | undefined;
}

/**
 * Formats the clients of a run as a table. Where not all fit, those with trouble are shown first,
 * then those whose update is awaited, then the slowest. A column without values is left out.
 *
 * @param size Space of the table; at least 98 columns.
 * @param now Time in milliseconds since 1970.
 * @param isColored Set if parts are shown in colours.
 */
export function liveTable(
  view: TableView,
  size: { readonly columns: number; readonly rows: number },
  now: number,
  isColored: boolean,
): LiveTable {
  const { clients, open, head } = view;
  const letters = new Map(open?.cohort.map((rank, i) => [rank, open.states[i] ?? ""]));
  const shown = chosenRows(view, letters, size.rows - 1);
  const columns = columnsOf(view, letters, now)
    .filter(({ name, of }) => name === "late" || shown.some((row) => of(row) !== undefined));
  const fixed = columns.reduce((sum, { width }) => sum + width, 0);
  const widths = columns.map(({ name, width }) =>
    name === "name" ? width + Math.min(MOST_NAME - width, size.columns - 1 - fixed) : width
  );
  const styled = (style: Parameters<typeof styleText>[0] | undefined, text: string) =>
    isColored && style !== undefined && text !== ""
      ? styleText(style, text, { validateStream: false })
      : text;
  const table = new Table({
    colWidths: widths,
    colAligns: columns.map(({ isText }) => isText ? "left" : "right"),
    style: { "padding-left": 0, "padding-right": 1, head: [], border: [] },
    chars: NO_BORDERS,
  });
  table.push(columns.map(({ name }) => styled("bold", name)));
  for (const row of shown) {
    table.push(columns.map(({ of, tone }) => styled(tone?.(row), of(row) ?? "")));
  }
  const untold = clients.length - shown.length + head.clientsOmitted;
  // The library may cut a character of two code units in half.
  const lines = table.toString().replaceAll(/\p{Cs}/gu, " ").split("\n")
    .map((line) => line.trimEnd());
  return {
    lines: untold === 0 ? lines : [...lines, `… and ${untold} more clients`],
    columns: widths.reduce((sum, width) => sum + width),
  };
}

/** Chooses the clients that fit into some rows. */
function chosenRows(
  { clients, open, head }: TableView,
  letters: ReadonlyMap<number, string>,
  room: number,
): readonly ClientRow[] {
  const awaited = awaitedClients(open);
  const urgency = ({ rank, state, seconds = 0 }: ClientRow) =>
    state === "away" || letters.get(rank) === "x"
      ? Infinity
      : awaited.has(rank)
      ? Number.MAX_VALUE
      : seconds;
  const shown = clients.length + Number(head.clientsOmitted > 0) <= room
    ? [...clients]
    : clients.toSorted((a, b) => urgency(b) - urgency(a) || a.rank - b.rank).slice(0, room - 1);
  return shown.sort((a, b) => a.rank - b.rank);
}

function columnsOf(
  { clients, open }: TableView,
  letters: ReadonlyMap<number, string>,
  now: number,
): readonly Column[] {
  const late = lateClients(clients, open, now);
  const awaited = awaitedClients(open);
  const toneOf = ({ rank }: ClientRow) => late.has(rank) ? "yellow" as const : undefined;
  const since = open === undefined ? 0 : Math.floor((now - open.startedAt) / 1000);
  const soFar = `${since < 60 ? `${since} s` : duration(since)} so far`;
  return [
    { name: "rank", width: 7, of: ({ rank }) => `${rank}` },
    { name: "name", width: 14, isText: true, of: nameOf },
    {
      name: "state",
      width: 17,
      isText: true,
      of: (row) => stateOf(row, letters.get(row.rank)),
      tone: (row) => row.state !== "present" || letters.get(row.rank) === "x" ? "red" : toneOf(row),
    },
    { name: "samples", width: 10, of: ({ samples }) => samples?.toString() },
    { name: "round", width: 7, of: ({ round }) => round?.toString() },
    { name: "loss", width: 10, of: ({ loss }) => loss?.toPrecision(4) },
    {
      name: "accuracy",
      width: 10,
      of: ({ accuracy }) => accuracy === undefined ? undefined : `${(accuracy * 100).toFixed(1)}%`,
    },
    {
      name: "seconds",
      width: 16,
      of: ({ rank, seconds }) =>
        since >= 1 && awaited.has(rank)
          ? soFar
          : seconds === undefined
          ? undefined
          : duration(seconds),
    },
    {
      name: "late",
      width: 6,
      isText: true,
      of: ({ rank }) => late.has(rank) ? "late" : undefined,
      tone: toneOf,
    },
  ];
}

/** Names a client: by its name, the fingerprint of its key, or its address. */
function nameOf({ name, identity, address }: ClientRow): string | undefined {
  return name ?? (identity?.startsWith("SHA256:") ? identity : address);
}

/** Describes what a client does. */
function stateOf({ state }: ClientRow, letter = ""): string {
  if (state === "left") return "left";
  return state === "away" ? "connection lost" : WORDS[letter] ?? "present";
}

/** Characters of the borders of a table that has none. */
const NO_BORDERS = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid", "middle"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`, `left-${side}`])
    .concat("right-mid").map((name) => [name, ""]),
);
