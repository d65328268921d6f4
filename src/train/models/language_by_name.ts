/**
 * Language models by name.
 *
 * @module
 */

import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import type { ModelDescription } from "../handler.ts";
import { languageModel } from "./language.ts";
import type { ModelOptions } from "./model_options.ts";

/** Names of the models that read sequences. */
export const LANGUAGE_MODELS = ["lstm", "gru"] as const;

/** Usage of the options that may follow their names, for messages and help. */
export const LANGUAGE_USAGE =
  "for sequences lstm or gru[:layers=COUNT][,units=COUNT][,embedding=SIZE][,peepholes=true]";

const NUMBERS = ["layers", "units", "embedding", "embeddingBound"];

/** Returns true for the name of a model that reads sequences, whatever options follow. */
export function isLanguageModel(spec: string): boolean {
  const [name] = spec.split(":", 1);
  return LANGUAGE_MODELS.some((one) => one === name?.trim());
}

/**
 * Describes a language model such as `lstm:layers=1,units=128`. The other options are those of
 * `languageModel()`.
 *
 * @throws {SyntaxError} If the text has another form.
 * @throws {RangeError} If there is no such option, one is out of range, or the data are no
 * sequences.
 */
export function languageModelByName(
  spec: string,
  { inputShape, numClasses = 0, steps, symbols, loss, init }: ModelOptions,
): ModelDescription {
  const options = readNamedOptions("model", spec);
  checkNamedOptions(options, {
    numbers: NUMBERS,
    texts: options.name === "lstm" ? ["peepholes"] : [],
  });
  const { name, numbers, texts: { peepholes = "false" } } = options;
  const refuse = (expected: string, got: string): never => {
    throw new RangeError(`Cannot describe the model ${name}: expected ${expected}, got ${got}`);
  };
  if (peepholes !== "true" && peepholes !== "false") {
    refuse("peepholes=true or peepholes=false", peepholes);
  }
  const [length = 0, ...others] = inputShape;
  if (steps === undefined || others.length > 0 || steps !== length) {
    const classes = steps === undefined ? "one target for a sample" : `a class at ${steps} steps`;
    refuse(
      "sequences with a class at each step, such as --data shakespeare",
      `samples of shape [${inputShape}] and ${classes}`,
    );
  }
  if (symbols !== undefined && symbols !== numClasses) {
    refuse("symbols as classes", `${symbols} symbols and ${numClasses} classes`);
  }
  if (loss !== undefined && loss !== "softmaxCrossEntropy") {
    refuse("the loss softmaxCrossEntropy", loss);
  }
  if (init === "zeros") refuse("initial weights other than zeros", init);
  return languageModel({
    ...numbers,
    symbols: numClasses,
    steps: length,
    cell: name === "gru" ? "gru" : "lstm",
    ...(peepholes === "true" && { peepholes: true }),
  });
}
