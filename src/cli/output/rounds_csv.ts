import type { RoundReport, RunReport } from "../../round/report/report.ts";
import type { NamedRun } from "./curves.ts";

type Cell = string | number | undefined;

const COLUMNS: readonly (readonly [name: string, cell: (round: RoundReport) => Cell])[] = [
  ["round", ({ round }) => round],
  ["loss", ({ loss }) => loss],
  ["accuracy", ({ accuracy }) => accuracy],
  ["trainLoss", ({ trainLoss }) => trainLoss],
  ["received", ({ received }) => received],
  ["bytesUp", ({ bytesUp }) => bytesUp],
  ["bytesDown", ({ bytesDown }) => bytesDown],
  ["seconds", ({ seconds }) => seconds],
  ["clientsAccuracy", ({ clients }) => clients?.accuracy?.mean],
  ["clientsWorstDecile", ({ clients }) => clients?.accuracy?.worstDecile],
  ["clientsLoss", ({ clients }) => clients?.loss?.mean],
];
const NAMES = COLUMNS.map(([name]) => name);

/** The rounds of a run as comma-separated values; what a round does not have is left empty. */
export function roundsCsv({ rounds }: RunReport): string {
  return toCsv([NAMES, ...rounds.map(cellsOf)]);
}

/** The rounds of all runs as one table, which says in each line of which run it is. */
export function runsCsv(runs: readonly NamedRun[]): string {
  const lines = runs.flatMap(({ name, report: { strategy, seed, rounds } }) =>
    rounds.map((round) => [name, strategy, seed, ...cellsOf(round)])
  );
  return toCsv([["run", "strategy", "seed", ...NAMES], ...lines]);
}

function cellsOf(round: RoundReport): Cell[] {
  return COLUMNS.map(([, cell]) => cell(round));
}

function toCsv(lines: readonly (readonly Cell[])[]): string {
  return lines.map((cells) => `${cells.map(quoted).join()}\n`).join("");
}

/** RFC 4180: what would be taken for something else stands in quotes. */
function quoted(cell: Cell): string {
  const text = `${cell ?? ""}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
