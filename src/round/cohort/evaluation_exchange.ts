import { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { EvaluateParamsPayload } from "../../wire/messages.ts";
import { CohortCollector } from "./cohort_collector.ts";
import { unexpectedFigures } from "./unexpected.ts";

/** The clients' evaluation of the parameters of one round. */
export class EvaluationExchange {
  /** State of each client of the cohort. */
  readonly collector: CohortCollector;
  readonly #results = new Map<Rank, EvaluateResult>();

  /** Opens the evaluation of a round of that number. */
  constructor(round: number, cohort: readonly Rank[]) {
    this.collector = new CohortCollector(round, cohort, { window: cohort.length });
  }

  /**
   * Accepts a client's figures.
   *
   * @throws {ProtocolError} If none are expected from the client, or a field is missing.
   */
  accept(sender: Rank, { round, numSamples, loss, accuracy }: EvaluateParamsPayload): void {
    if (this.collector.round !== round || !this.collector.isPending(sender)) {
      throw unexpectedFigures(sender, round);
    }
    if (numSamples === undefined) {
      throw new ProtocolError(
        "invalid-field",
        `Cannot take the figures of rank ${sender}: expected the field numSamples, got none`,
      );
    }
    this.#results.set(sender, {
      numSamples,
      // Clients leave out a loss that is not finite.
      loss: loss ?? NaN,
      ...(accuracy !== undefined && { accuracy }),
    });
    this.collector.settle(sender, "received");
  }

  /** The results received so far, in rank order. */
  get results(): EvaluateResult[] {
    return [...this.#results].sort(([a], [b]) => a - b).map(([, result]) => result);
  }
}
