import type { Rank } from "../../base/rank.ts";
import type { RoundReport } from "../report/report.ts";

/** Last round of each client whose model includes the client's update. */
export class LastAcceptedRounds {
  readonly #last = new Map<Rank, number>();
  /** Ranks that the last round has changed, and their rounds before. */
  readonly #changed: Rank[] = [];
  readonly #before: number[] = [];
  /** Number of reports read so far. */
  #read = 0;

  /** Forgets everything when a run begins. */
  clear(): void {
    this.#last.clear();
    this.#read = 0;
  }

  /** Adds a round whose model is made. The round's report may still be to come. */
  add(
    { round, cohort, losses, lossesOmitted = [] }: Pick<
      RoundReport,
      "round" | "cohort" | "losses" | "lossesOmitted"
    >,
  ): void {
    this.#changed.length = this.#before.length = 0;
    const absent = new Set(lossesOmitted);
    for (const { rank } of losses) absent.add(rank);
    for (const rank of cohort) {
      if (absent.has(rank)) continue;
      const last = this.#last.get(rank) ?? 0;
      this.#changed.push(rank);
      this.#before.push(last);
      this.#last.set(rank, Math.max(round, last));
    }
  }

  /** Takes back the round that was added last, together with its model. */
  revert(): void {
    for (const [i, rank] of this.#changed.entries()) this.#last.set(rank, this.#before[i] ?? 0);
    this.#changed.length = this.#before.length = 0;
  }

  /**
   * Returns the rank's last accepted round, 0 for none.
   *
   * @param reports The reports of the run so far, for rounds that were never added.
   */
  get(rank: Rank, reports: readonly RoundReport[]): number {
    for (; this.#read < reports.length; this.#read++) {
      const report = reports[this.#read];
      if (report !== undefined) this.add(report);
    }
    return this.#last.get(rank) ?? 0;
  }
}
