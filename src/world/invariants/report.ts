import type { RoundReport } from "../../round/report/report.ts";
import type { Invariant } from "./invariant.ts";

/**
 * The report of a run has each round once, in order, as it was told when it ended; of a round that
 * was made again, as it was told last.
 */
export const reportIsTrue: Invariant = {
  name: "the report tells of the rounds as they were",
  breaches({ federation: { history } }) {
    let told: readonly RoundReport[] = [], again = 0;
    /** Rounds that had been told when a round was told last, that one included. */
    const upTo = new Map<number, readonly RoundReport[]>();
    for (const entry of history.entries) {
      if (entry.type === "started" && entry.machine === "server") {
        // The last one may have been saved and not told, or is told once more.
        const { resumedFrom: round = 0 } = entry;
        told = upTo.get(round) ?? upTo.get(round - 1) ?? [];
        again = round;
      }
      if (entry.type === "round") {
        if (entry.report.round === again) told = told.slice(0, again - 1);
        again = 0;
        if (entry.report.round !== told.length + 1) {
          return [`round ${entry.report.round} was told after round ${told.length}`];
        }
        told = [...told, entry.report];
        upTo.set(told.length, told);
      }
      if (entry.type !== "finished") continue;
      const { rounds } = entry.report;
      const wrong = rounds.findIndex((round, i) => !isSame(round, told[i]));
      if (wrong >= 0) {
        return [`the report has another round ${wrong + 1} than the one that was told`];
      }
      if (rounds.length !== told.length) {
        return [`the report has ${rounds.length} rounds, and ${told.length} were told`];
      }
    }
    return [];
  },
};

/** Compares who has made a round. */
function isSame(a: RoundReport, b: RoundReport | undefined): boolean {
  const key = ({ round, cohort, received }: RoundReport) =>
    JSON.stringify([round, cohort, received]);
  return b !== undefined && key(a) === key(b);
}
