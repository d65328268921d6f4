import type { RoundReport } from "../../round/report/report.ts";
import type { AgreementMode } from "../../wire/messages.ts";

/** Maximum number of further figures in a line of the log. */
const MAX_LOGGED_METRICS = 16;

/** Formats the figures of a round for the log. */
export function roundFigures(
  { received, cohort, loss, accuracy, metrics = {} }: RoundReport,
  { isSecret, mode }: { readonly isSecret: boolean; readonly mode: AgreementMode },
): string {
  const figures = [
    isSecret
      ? "a secret cohort"
      : `${received} of ${cohort.length} ${mode === "statistics" ? "clients" : "updates"}`,
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
    ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(4)}`]),
    ...Object.entries(metrics).filter(([name]) => name !== "accuracy")
      .slice(0, MAX_LOGGED_METRICS)
      .map(([name, value]) => `${name} ${+value.toPrecision(5)}`),
  ];
  return figures.join(", ");
}
