import type { Predictions } from "../../predict/predictions.ts";

/** Separator of the labels of a row. */
const BETWEEN_LABELS = ";";

/** Significant digits, which tell all 32-bit floats apart. */
const DIGITS = 9;

/**
 * Formats the first line of predictions: the ids, the class or labels with the probability of each,
 * or the measures.
 *
 * @param idName Name of the column of ids, where there is one.
 */
export function headerLine({ task, names }: Predictions, idName: string | undefined): string {
  const columns = task === "regression"
    ? names
    : ["prediction", ...names.map((name) => `probability_${name}`)];
  return lineOf([...(idName === undefined ? [] : [idName]), ...columns]);
}

/**
 * Formats predictions, one line for each row; those of rows without prediction have empty fields.
 */
export function* predictionLines(predictions: Predictions): Generator<string> {
  const { task, names, ids } = predictions;
  const width = names.length + (task === "regression" ? 0 : 1);
  for (let row = 0; row < predictions.length; row++) {
    const prediction = predictions.at(row);
    const fields = prediction === undefined
      ? new Array<string>(width).fill("")
      : fieldsOf(prediction, names);
    yield lineOf([...(ids ? [ids[row] ?? ""] : []), ...fields]);
  }
}

function fieldsOf(
  { class: name, labels, probabilities, values }: NonNullable<ReturnType<Predictions["at"]>>,
  names: readonly string[],
): string[] {
  const numbers = probabilities ?? values ?? {};
  const shown = names.map((name) => `${Number((numbers[name] ?? NaN).toPrecision(DIGITS))}`);
  if (values) return shown;
  return [name ?? labels?.join(BETWEEN_LABELS) ?? "", ...shown];
}

/** Joins fields to a line, in quotes where that is needed (RFC 4180). */
function lineOf(fields: readonly string[]): string {
  const quoted = fields.map((field) =>
    /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
  );
  return `${quoted.join(",")}\n`;
}
