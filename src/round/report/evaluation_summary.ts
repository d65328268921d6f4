import type { EvaluateResult } from "../../plan/results.ts";
import { type RankedResult, reportedMetrics } from "./client_results.ts";
import { type ClientFigures, clientFigures } from "./distribution.ts";
import { isUnsound, meanOfClients } from "./means.ts";
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

/** Summarizes the clients' own evaluations. */
export function summarizeClients(results: readonly RankedResult[]): EvaluationSummary {
  return {
    evaluation: meanOfClients(results),
    clients: clientFigures(results),
    isUnsound: isUnsound(results),
  };
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
