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
export function headerLine(
  { task, names, steps }: Predictions,
  idName: string | undefined,
): string {
  if (steps) return lineOf([idName ?? "row", "step", "prediction", "probability"]);
  const columns = task === "regression"
    ? names
    : ["prediction", ...names.map((name) => `probability_${name}`)];
  return lineOf([...(idName === undefined ? [] : [idName]), ...columns]);
}

/**
 * Formats predictions, one line for each row, or for each step of it; those of rows without
 * prediction have empty fields.
 *
 * @param before Number of rows before the first, by which rows without ids are numbered.
 */
export function* predictionLines(predictions: Predictions, before = 0): Generator<string> {
  const { task, names, ids, steps } = predictions;
  if (steps) return yield* stepLines(predictions, before);
  const width = names.length + (task === "regression" ? 0 : 1);
  for (let row = 0; row < predictions.length; row++) {
    const prediction = predictions.at(row);
    const fields = prediction === undefined
      ? new Array<string>(width).fill("")
      : fieldsOf(prediction, names);
    yield lineOf([...(ids ? [ids[row] ?? ""] : []), ...fields]);
  }
}

/** Formats the most probable class of each step, and its probability. */
function* stepLines(predictions: Predictions, before: number): Generator<string> {
  for (let row = 0; row < predictions.length; row++) {
    const { id = `${before + row + 1}`, steps = [] } = predictions.at(row) ?? {};
    for (const [step, { class: name = "", probabilities = {} }] of steps.entries()) {
      yield lineOf([id, `${step + 1}`, name, shown(probabilities[name])]);
    }
    if (steps.length === 0) yield lineOf([id, "", "", ""]);
  }
}

function fieldsOf(
  { class: name, labels, probabilities, values }: NonNullable<ReturnType<Predictions["at"]>>,
  names: readonly string[],
): string[] {
  const numbers = probabilities ?? values ?? {};
  const fields = names.map((name) => shown(numbers[name]));
  if (values) return fields;
  return [name ?? labels?.join(BETWEEN_LABELS) ?? "", ...fields];
}

function shown(value = NaN): string {
  return `${Number(value.toPrecision(DIGITS))}`;
}

/** Joins fields to a line, in quotes where that is needed (RFC 4180). */
function lineOf(fields: readonly string[]): string {
  const quoted = fields.map((field) =>
    /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
  );
  return `${quoted.join(",")}\n`;
}
