import { printable } from "../../base/printable.ts";
import { delay } from "../../base/time/delay.ts";
import { counted } from "../../display/amounts.ts";
import { finite, type RoundRow, type RunRecord } from "./run_record.ts";
import { readRun } from "./read_run.ts";
import { scoreText } from "./run_tables.ts";

/** Milliseconds between two looks at a run of another process. */
const LOOK_MILLIS = 500;

/** Options of {@linkcode followRun}. */
export interface FollowOptions {
  /** Ends the wait for further rounds. */
  readonly signal: AbortSignal;
  /** Called with the line of each round, those that are over first. */
  readonly show: (line: string) => void;
  /** Called once if the run keeps no rounds while it is under way. */
  readonly onSilent?: () => void;
}

/** Shows the rounds of a run of another process as they end. Returns the run once it is over. */
export async function followRun(
  folder: string,
  { signal, show, onSilent }: FollowOptions,
): Promise<RunRecord> {
  let shown = 0, isSilent = false;
  for (;;) {
    const { record, rounds } = await readRun(folder);
    // A run that was resumed from an earlier round shows its later rounds again.
    shown = Math.min(shown, rounds.length);
    for (const row of rounds.slice(shown)) show(roundLine(row, record));
    shown = rounds.length;
    if (record.stage !== "running") return record;
    if (!isSilent && keepsNoRounds(record)) {
      isSilent = true;
      onSilent?.();
    }
    await delay(LOOK_MILLIS, signal);
  }
}

/** Returns a line about the end of a run. */
export function endLine({ name, stage, rounds, metric, score, digest, fault }: RunRecord): string {
  return [
    `${printable(name)} ${stage === "finished" ? "is over" : "has stopped"}: ${
      counted(rounds, "round")
    }`,
    ...(metric === undefined ? [] : [`${metric} ${scoreText(metric, score)}`]),
    ...(digest === undefined ? [] : [`digest ${digest}`]),
    ...(fault === undefined ? [] : [printable(fault)]),
  ].join(", ");
}

/** Returns a line about a round, as the command itself prints it. */
export function roundLine(row: RoundRow, { metric, settings }: RunRecord): string {
  const of = finite(settings?.rounds) ?? finite(settings?.versions);
  return [
    `round ${row.round}${of === undefined ? "" : ` of ${of}`}`,
    ...(row.loss === undefined ? [] : [`loss ${row.loss.toFixed(4)}`]),
    ...(row.score === undefined || metric === "loss"
      ? []
      : [`${metric} ${scoreText(metric, row.score)}`]),
    `${row.seconds.toFixed(2)} s`,
  ].join(", ");
}

/** Tells whether a run writes no checkpoints, and so no rounds before it is over. */
function keepsNoRounds({ command, settings, rounds }: RunRecord): boolean {
  return rounds === 0 && command !== undefined && command !== "server" &&
    settings?.checkpointEvery === undefined;
}
