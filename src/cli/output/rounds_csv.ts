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

/** Formats the rounds of a run as CSV; figures that a round lacks are empty. */
export function roundsCsv({ rounds }: RunReport): string {
  return toCsv([NAMES, ...rounds.map(cellsOf)]);
}

/** Formats the rounds of several runs as one CSV table; each line names its run. */
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

/** Quotes a cell with special characters, as RFC 4180 does. */
function quoted(cell: Cell): string {
  const text = `${cell ?? ""}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
