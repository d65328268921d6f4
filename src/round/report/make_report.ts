import { shownBy } from "../../base/lazy.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import { shareOfRight } from "../../train/confusion.ts";
import { classMetrics } from "../../train/metrics/class_metrics.ts";
import { reportedMetrics } from "./client_results.ts";
import type { ClientFigures } from "./distribution.ts";
import type { FinalReport, RunReport } from "./report.ts";

/** Gives a report the method by which notebooks show it. */
export function withDisplay(report: RunReport): RunReport {
  return shownBy(report, async (own) => (await import("../display/report.ts")).reportMedia(own));
}

/** Makes the report of the evaluation after the last round. */
export function finalReport(
  { loss, accuracy, numSamples, sums, confusion, ...further }: EvaluateResult,
  clients?: ClientFigures,
  schema?: Schema,
): FinalReport {
  const classes = schema?.target.task === "classification" ? schema.target.classes : undefined;
  const metrics = reportedMetrics(further.metrics);
  return {
    ...(Number.isFinite(loss) && { loss }),
    ...(accuracy !== undefined && { accuracy }),
    ...(metrics && { metrics }),
    samples: numSamples,
    ...(sums && sums.task !== "regression" && sums.confusion &&
      { classMetrics: classMetrics(sums) }),
    ...(confusion && { confusion, perClass: confusion.map(shareOfRight) }),
    ...(confusion && classes?.length === confusion.length && { classes }),
    ...(clients && { clients }),
  };
}
