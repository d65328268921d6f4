import type { Rank } from "../../base/rank.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { MeanLoss } from "../../round/report/means.ts";
import { reportAbsences } from "../../round/report/absence.ts";
import { type UpdateFigures, updateFigures } from "../../round/handler/update_bound.ts";
import type { RoundReport } from "../../round/report/report.ts";

/** What has gone into the version that is being made. */
export class Version {
  /** Whose updates, in the order of coming. */
  readonly cohort: Rank[] = [];
  readonly staleness: number[] = [];
  /** Number of tasks that were lost. */
  dropped = 0;
  /** How often it was begun. */
  tries = 1;
  /** Whether it is made. */
  isDone = false;
  /** The figures of what has gone in: of each client, its last update's. */
  readonly updates = new Map<Rank, UpdateFigures>();
  readonly #reasons = new Map<Rank, string>();
  readonly #losses = new MeanLoss();

  /**
   * The version that is made in the place of one that was taken back: its report names who was
   * missing in that one as well, and in the one that was begun after it.
   */
  static inPlaceOf(spoilt: Version, begun = new Version()): Version {
    const next = new Version();
    next.tries = spoilt.tries + 1;
    next.dropped = spoilt.dropped + begun.dropped;
    for (const [rank, reason] of [...spoilt.#reasons, ...begun.#reasons]) next.miss(rank, reason);
    return next;
  }

  /** An update went in. */
  add(rank: Rank, staleness: number, payload: ParameterUpdatePayload, norm: number): void {
    this.cohort.push(rank);
    this.updates.set(rank, updateFigures(norm, payload));
    this.staleness.push(staleness);
    this.#losses.add(payload);
  }

  /** A client was dropped, or its update refused: the last reason is kept. */
  miss(rank: Rank, reason: string): void {
    this.#reasons.set(rank, reason);
  }

  /** What the report says of its updates. */
  get report(): Pick<
    RoundReport,
    "cohort" | "received" | "dropped" | "tries" | "losses" | "lossesOmitted"
  > {
    const { cohort, dropped, tries } = this;
    const missing = [...this.#reasons].map(([rank, reason]) => ({ rank, reason }));
    return { cohort, received: cohort.length, dropped, tries, ...reportAbsences(missing) };
  }

  /** What the report says of what they tell. */
  get figures(): Pick<RoundReport, "trainLoss" | "staleness"> {
    const { mean: trainLoss } = this.#losses;
    return {
      ...(trainLoss !== undefined && { trainLoss }),
      staleness: this.staleness,
    };
  }
}
