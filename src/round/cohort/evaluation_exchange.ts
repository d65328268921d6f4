import { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { shapeOf } from "../../train/metrics/add_sums.ts";
import { metricsOf } from "../../train/metrics/metrics.ts";
import type { RankedResult } from "../report/client_results.ts";
import type { EvaluateParamsPayload } from "../../wire/messages.ts";
import { commonShape } from "../report/merged_sums.ts";
import { CohortCollector } from "./cohort_collector.ts";
import { unexpectedFigures } from "./unexpected.ts";

/** The clients' evaluation of the parameters of one round. */
export class EvaluationExchange {
  /** State of each client of the cohort. */
  readonly collector: CohortCollector;
  readonly #results = new Map<Rank, RankedResult>();

  /** Opens the evaluation of a round of that number. */
  constructor(round: number, cohort: readonly Rank[]) {
    this.collector = new CohortCollector(round, cohort, { window: cohort.length });
  }

  /**
   * Accepts a client's figures.
   *
   * @param site Name of the client's site, where it has one.
   * @returns The figures, or `undefined` when the client does not share them.
   * @throws {ProtocolError} If none are expected from the client, a field is missing, or sums are
   * of another number of samples.
   */
  accept(
    sender: Rank,
    payload: EvaluateParamsPayload,
    site?: string,
  ): RankedResult | undefined {
    const { round, numSamples, loss, accuracy, metrics, sums, onTrainingRows, declined } = payload;
    if (this.collector.round !== round || !this.collector.isPending(sender)) {
      throw unexpectedFigures(sender, round);
    }
    if (declined) {
      this.collector.settle(sender, "received");
      return undefined;
    }
    if (numSamples === undefined) {
      throw new ProtocolError(
        "invalid-field",
        `Cannot take the figures of rank ${sender}: expected the field numSamples, got none`,
      );
    }
    if (sums && sums.samples !== numSamples) {
      throw new ProtocolError(
        "invalid-field",
        `Cannot take the figures of rank ${sender}: expected sums of ${numSamples} samples, got ${sums.samples}`,
      );
    }
    const result = {
      rank: sender,
      ...(site !== undefined && { site }),
      numSamples,
      // Clients leave out a loss that is not finite.
      loss: loss ?? NaN,
      ...(accuracy !== undefined && { accuracy }),
      ...((metrics || sums) && { metrics: { ...metrics, ...sums && metricsOf(sums) } }),
      ...(sums && { sums }),
      ...(onTrainingRows && { onTrainingRows }),
    };
    this.#results.set(sender, result);
    this.collector.settle(sender, "received");
    return result;
  }

  /**
   * Ranks, in order, whose sums are of another shape than most, so that they cannot be added: those
   * of another task or another number of outputs.
   */
  get mismatched(): Rank[] {
    const shape = commonShape(this.results.map(({ sums }) => sums));
    return [...this.#results].filter(([, { sums }]) => sums && shapeOf(sums) !== shape)
      .map(([rank]) => rank).sort((a, b) => a - b);
  }

  /** The results received so far, in rank order. */
  get results(): RankedResult[] {
    return [...this.#results].sort(([a], [b]) => a - b).map(([, result]) => result);
  }
}
