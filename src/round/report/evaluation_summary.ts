import type { EvaluateResult } from "../../plan/results.ts";
import { MAX_REPORTED_CLIENTS, type RankedResult, reportedMetrics } from "./client_results.ts";
import { type ClientFigures, clientFigures } from "./distribution.ts";
import { Evaluations } from "./evaluations.ts";
import type { RoundReport } from "./report.ts";

/** Result of evaluating a model; empty when nobody evaluates. */
export interface EvaluationSummary {
  /** Loss and accuracy: the server's, or the mean of the clients'. */
  readonly evaluation?: EvaluateResult | undefined;
  /**
   * Set when the loss is not finite: the server's own loss, or that of more than half of the
   * clients that evaluate.
   */
  readonly isUnsound?: boolean;
  /** Distribution of the clients' figures, when the clients evaluate. */
  readonly clients?: ClientFigures | undefined;
}

/** Summary of the clients' own evaluations, to which they are added in the order of ranks. */
export class ClientSummary {
  readonly #evaluations = new Evaluations();
  /** Results that the report names. */
  readonly #first: RankedResult[] = [];

  /** Adds the result of a client. */
  add(result: RankedResult): void {
    this.#evaluations.add(result);
    if (this.#first.length < MAX_REPORTED_CLIENTS) this.#first.push(result);
  }

  /** The summary of the results so far. */
  get summary(): EvaluationSummary {
    const { meanOfClients: evaluation, isUnsound } = this.#evaluations;
    return { evaluation, clients: clientFigures(this.#evaluations, this.#first), isUnsound };
  }
}

/** Summarizes the clients' own evaluations. */
export function summarizeClients(results: readonly RankedResult[]): EvaluationSummary {
  const clients = new ClientSummary();
  for (const result of results) clients.add(result);
  return clients.summary;
}

/** Converts an evaluation to the fields of a round's report. */
export function evaluationFields(
  { evaluation, clients }: EvaluationSummary,
): Pick<RoundReport, "loss" | "accuracy" | "metrics" | "clients"> {
  const { loss, accuracy } = evaluation ?? {};
  const metrics = reportedMetrics(evaluation?.metrics);
  return {
    ...(loss !== undefined && Number.isFinite(loss) && { loss }),
    ...(accuracy !== undefined && { accuracy }),
    ...(metrics && { metrics }),
    ...(clients && { clients }),
  };
}
