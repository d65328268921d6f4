import { counted, percent } from "../display/amounts.ts";
import { headedTables } from "../display/headed_tables.ts";
import type { MediaBundle } from "../display/media.ts";
import type { Cell, TableContent } from "../display/table.ts";
import type { Prediction, Predictions } from "./predictions.ts";

/** Number of rows that are shown. */
const ROWS = 20;
/** Largest number of measures of a row that are shown. */
const MEASURES = 10;

/** Shows predictions: those of the first rows, with their probabilities. */
export function predictionsMedia(predictions: Predictions): MediaBundle {
  const { length, numMissing, notes } = predictions, left = length - ROWS;
  const heading = [
    `Predictions for ${counted(length, "row")}`,
    ...(numMissing > 0 ? [`${counted(numMissing, "row")} left out`] : []),
  ].join(", ");
  const rows = Array.from({ length: Math.min(ROWS, length) }, (_, row) => {
    const prediction = predictions.at(row);
    return [prediction?.id ?? row + 1, ...cellsOf(predictions, prediction)];
  });
  const table: TableContent = {
    head: ["row", ...headsOf(predictions)],
    rows,
    notes: [...(left > 0 ? [counted(left, "more row")] : []), ...notes],
  };
  return headedTables(heading, [table]);
}

function headsOf({ task, names, steps }: Predictions): readonly string[] {
  if (steps) return ["class of each step"];
  if (task === "classification") return ["class", "probability"];
  return task === "multi-label" ? ["labels"] : names.slice(0, MEASURES);
}

function cellsOf({ task, names }: Predictions, prediction: Prediction | undefined): Cell[] {
  if (prediction === undefined) return ["no prediction"];
  const { class: name = "", labels = [], probabilities = {}, values = {} } = prediction;
  if (prediction.steps) return [prediction.steps.map((step) => step.class).join(" ")];
  if (task === "classification") return [name, percent(probabilities[name] ?? NaN)];
  if (task === "multi-label") return [labels.join(", ")];
  return names.slice(0, MEASURES).map((name) => Number((values[name] ?? NaN).toPrecision(6)));
}
