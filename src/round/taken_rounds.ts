import type { Rank } from "../base/rank.ts";
import type { Intake } from "./intake.ts";
import type { RoundReport } from "./report.ts";

/** Of each client, the last round whose model has its update in it. */
export class TakenRounds {
  readonly #last = new Map<Rank, number>();
  /** What the last round has changed, as it was before. */
  #before: [Rank, number][] = [];
  /** Number of reports that were read. */
  #read = 0;

  /** A run begins. */
  clear(): void {
    this.#last.clear();
    this.#read = 0;
  }

  /** The model of the round was made; its report is still to come. */
  add(
    { round, cohort, losses, lossesOmitted = [] }:
      & Pick<Intake | RoundReport, "round" | "cohort" | "losses">
      & Pick<RoundReport, "lossesOmitted">,
  ): void {
    this.#before = [];
    const lost = new Set(lossesOmitted);
    for (const { rank } of losses) lost.add(rank);
    for (const rank of cohort) {
      if (lost.has(rank)) continue;
      const last = this.#last.get(rank) ?? 0;
      this.#before.push([rank, last]);
      this.#last.set(rank, Math.max(round, last));
    }
  }

  /** The model that was made last was taken back. */
  revert(): void {
    for (const [rank, round] of this.#before) this.#last.set(rank, round);
    this.#before = [];
  }

  /** The rank's last round, 0 for none; the run's reports tell of the rounds that were added by none. */
  of(rank: Rank, reports: readonly RoundReport[]): number {
    for (; this.#read < reports.length; this.#read++) {
      const report = reports[this.#read];
      if (report !== undefined) this.add(report);
    }
    return this.#last.get(rank) ?? 0;
  }
}
