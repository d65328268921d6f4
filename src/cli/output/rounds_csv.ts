import type { RoundReport, RunReport } from "../../round/report/report.ts";
import type { NamedRun } from "../../round/display/curves.ts";

type Cell = string | number | undefined;
type Column = readonly [name: string, cell: (round: RoundReport) => Cell];

const COLUMNS: readonly Column[] = [
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
/** Groups of further figures of a round, each a column `GROUP/NAME`. */
const GROUPS = ["metrics", "trainMetrics"] as const;

/**
 * Formats the rounds of a run as CSV; figures that a round lacks are empty. Further figures follow
 * in columns such as `metrics/f1` and `trainMetrics/f1`.
 */
export function roundsCsv({ rounds }: RunReport): string {
  const columns = columnsOf(rounds);
  return toCsv([namesOf(columns), ...rounds.map((round) => cellsOf(columns, round))]);
}

/** Formats the rounds of several runs as one CSV table; each line names its run. */
export function runsCsv(runs: readonly NamedRun[]): string {
  const columns = columnsOf(runs.flatMap(({ report }) => report.rounds));
  const lines = runs.flatMap(({ name, report: { strategy, seed, rounds } }) =>
    rounds.map((round) => [name, strategy, seed, ...cellsOf(columns, round)])
  );
  return toCsv([["run", "strategy", "seed", ...namesOf(columns)], ...lines]);
}

/** Returns the columns of rounds, with those of all further figures that one of them has. */
function columnsOf(rounds: readonly RoundReport[]): Column[] {
  const further = GROUPS.flatMap((group) => {
    const names = new Set(rounds.flatMap((round) => Object.keys(round[group] ?? {})));
    return [...names].map((name): Column => [`${group}/${name}`, (round) => round[group]?.[name]]);
  });
  const isScheduled = rounds.some(({ learningRate }) => learningRate !== undefined);
  return [
    ...COLUMNS,
    ...(isScheduled ? [["learningRate", ({ learningRate }) => learningRate] as Column] : []),
    ...further,
  ];
}

function namesOf(columns: readonly Column[]): string[] {
  return columns.map(([name]) => name);
}

function cellsOf(columns: readonly Column[], round: RoundReport): Cell[] {
  return columns.map(([, cell]) => cell(round));
}

function toCsv(lines: readonly (readonly Cell[])[]): string {
  return lines.map((cells) => `${cells.map(quoted).join()}\n`).join("");
}

/** Quotes a cell with special characters, as RFC 4180 does. */
function quoted(cell: Cell): string {
  const text = `${cell ?? ""}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
