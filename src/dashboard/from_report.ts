import type { RoundReport, RunReport } from "../round/report/report.ts";
import type { RoundPoint, RunIdentity } from "./view.ts";

/** Takes from the report of a round what the curves show. */
export function roundPoint(report: RoundReport): RoundPoint {
  const { round, loss, accuracy, trainLoss, metrics, clients } = report;
  const { received, dropped, refused, tries, bytesUp, bytesDown, seconds } = report;
  return {
    round,
    ...(loss !== undefined && { loss }),
    ...(accuracy !== undefined && { accuracy }),
    ...(trainLoss !== undefined && { trainLoss }),
    ...(metrics && { metrics }),
    ...(clients && {
      clients: {
        ...(clients.accuracy && { accuracy: clients.accuracy }),
        ...(clients.loss && { loss: clients.loss }),
      },
    }),
    ...{ received, dropped, refused, tries, bytesUp, bytesDown, seconds },
  };
}

/** Adds to the facts about a run what its report has of them. */
export function identityOf(run: RunIdentity, report: RunReport): RunIdentity {
  const digest = report.schemaDigest, classes = report.final?.classes;
  return {
    ...run,
    strategy: report.strategy,
    ...((digest !== undefined || classes) && {
      schema: { ...(digest !== undefined && { digest }), ...(classes && { classes }) },
    }),
  };
}
