import type { Rank } from "../../base/rank.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { TrainingResults } from "../../round/report/client_results.ts";
import { reportAbsences } from "../../round/report/absence.ts";
import { evaluationFields, type EvaluationSummary } from "../../round/report/evaluation_summary.ts";
import { type UpdateFigures, updateFigures } from "../../round/handler/update_bound.ts";
import type { RoundReport } from "../../round/report/report.ts";
import type { RoundCosts } from "../run/round_costs.ts";

/** Report of a version, without the fields that the run adds. */
type VersionReport = Omit<RoundReport, keyof RoundCosts>;

/** Version of the model that is being made, and the updates in it. */
export class Version {
  /** Senders of its updates, in the order of acceptance. */
  readonly cohort: Rank[] = [];
  /** Staleness of each update. */
  readonly staleness: number[] = [];
  /** Number of tasks without an answer. */
  dropped = 0;
  /** Number of times that it was begun. */
  tries = 1;
  /** Set if it is complete. */
  isDone = false;
  /** Figures of the last update of each client. */
  readonly updates = new Map<Rank, UpdateFigures>();
  readonly #reasons = new Map<Rank, string>();
  readonly #results = new TrainingResults();

  /**
   * Begins a version in place of one that was taken back. Its report includes the absences of that
   * version, and of the one that was begun after it.
   */
  static inPlaceOf(spoilt: Version, begun = new Version()): Version {
    const next = new Version();
    next.tries = spoilt.tries + 1;
    next.dropped = spoilt.dropped + begun.dropped;
    for (const [rank, reason] of [...spoilt.#reasons, ...begun.#reasons]) next.miss(rank, reason);
    return next;
  }

  /** Adds an accepted update. */
  add(rank: Rank, staleness: number, payload: ParameterUpdatePayload, norm: number): void {
    this.cohort.push(rank);
    this.updates.set(rank, updateFigures(norm, payload));
    this.staleness.push(staleness);
    this.#results.add(rank, payload);
  }

  /** Notes that the update of a client is missing; its last reason is reported. */
  miss(rank: Rank, reason: string): void {
    this.#reasons.set(rank, reason);
  }

  /** Returns the report of the version. */
  reportOf(round: number, evaluated: EvaluationSummary): VersionReport {
    const { cohort, dropped, tries, staleness } = this;
    const missing = [...this.#reasons].map(([rank, reason]) => ({ rank, reason }));
    return {
      ...{ cohort, received: cohort.length, dropped, tries, ...reportAbsences(missing) },
      round,
      ...evaluationFields(evaluated),
      ...this.#results.report,
      staleness,
    };
  }
}
