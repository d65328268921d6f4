import { oneLine } from "../base/printable.ts";
import { partitionMedia } from "../data/display/partition.ts";
import { schemaMedia } from "../data/display/schema.ts";
import { rowLabels } from "../data/partition/rows.ts";
import type { Partition, PartitionData } from "../data/partition/types.ts";
import type { Schema } from "../data/schema/schema.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { confusionMedia } from "../round/display/confusion.ts";
import { curvesChart, type CurvesOptions } from "../round/display/curves.ts";
import { metricOf, reportMedia } from "../round/display/report.ts";
import type { FinalReport, RunReport } from "../round/report/report.ts";
import { outputNames } from "../data/schema/features.ts";
import { View } from "./view.ts";

/**
 * Shows the report of a run or a schema that comes from a file. Those that the package makes show
 * themselves.
 *
 * @throws {TypeError} If it is neither.
 *
 * @example A report from a run's folder
 * ```ts ignore
 * import { display } from "@fedlab/core/notebook";
 *
 * display(JSON.parse(await Deno.readTextFile("runs/one/report.json")));
 * ```
 */
export function display(value: RunReport | Schema): View {
  if ("schema" in value && value.schema === "fedlab.run/1") return new View(reportMedia(value));
  if ("format" in value && value.format === "fedlab.schema/1") {
    return new View(schemaMedia(value));
  }
  throw new TypeError(
    'Cannot show the value: expected a report "fedlab.run/1" or a schema "fedlab.schema/1", got neither',
  );
}

/**
 * Shows the learning curves of several runs in one picture.
 *
 * @param runs Reports by the names of their curves.
 * @param options Metric, by default the accuracy, or the loss where there is none; the measure of
 * progress; and a title.
 * @throws {RangeError} If there are no runs, or no round of a run has the metric.
 */
export function curves(
  runs: Readonly<Record<string, RunReport>>,
  options: CurvesOptions = {},
): View {
  const named = Object.entries(runs).map(([name, report]) => ({ name, report }));
  const [first] = named;
  if (first === undefined) {
    throw new RangeError("Cannot show learning curves: expected one run or more, got none");
  }
  const metric = options.metric ?? metricOf(first.report) ?? "accuracy";
  return new View({
    "text/plain": named.map(({ name, report }) => oneLine(`${name}: ${lastOf(report)}`)).join("\n"),
    "image/svg+xml": curvesChart(named, { ...options, metric }),
  });
}

function lastOf({ rounds }: RunReport): string {
  const { accuracy, loss } = rounds.at(-1) ?? {};
  const figures = [
    ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(4)}`]),
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
  ];
  return [`${rounds.length} rounds`, ...figures].join(", ");
}

/** Result with a confusion matrix: of a run, of its final evaluation, or of `evaluateModel()`. */
export type WithConfusion =
  | RunReport
  | FinalReport
  | (EvaluateResult & { readonly schema?: Schema | undefined });

/**
 * Shows the confusion matrix of an evaluation.
 *
 * @param options `classes`: names of the classes. Default: those of the result, or numbers.
 * @throws {RangeError} If the result has none.
 */
export function confusionMatrix(
  result: WithConfusion,
  { classes }: { readonly classes?: readonly string[] } = {},
): View {
  const { confusion, names } = "rounds" in result
    ? { confusion: result.final?.confusion, names: result.final?.classes }
    : { confusion: result.confusion, names: namesOf(result) };
  if (confusion === undefined || confusion.length === 0) {
    throw new RangeError(
      "Cannot show a confusion matrix: expected the evaluation of a classifier by the server, got a result without one",
    );
  }
  return new View(confusionMedia({ matrix: confusion, classes: classes ?? names }));
}

function namesOf(result: Exclude<WithConfusion, RunReport>): readonly string[] | undefined {
  if ("classes" in result) return result.classes;
  return "schema" in result && result.schema ? outputNames(result.schema) : undefined;
}

/**
 * Shows a partition by a function such as `partitionDirichlet()`. Those of `partition()` show
 * themselves.
 *
 * @throws {RangeError} If there are no parts, a part is empty, or there is no such row.
 */
export function partitionView(
  parts: Partition,
  data: PartitionData,
  { title }: { readonly title?: string } = {},
): View {
  return new View(partitionMedia(parts, rowLabels(data), title));
}
