/**
 * Models on a pretrained encoder, by name.
 *
 * @module
 */

import { checkNamedOptions, readNamedOptions } from "../../../base/named_options.ts";
import type { ModelDescription } from "../../handler.ts";
import type { ModelOptions } from "../model_options.ts";
import { ALL_MINILM_L6_V2, lora, textEncoder } from "./text_encoder.ts";

/** Names of the models that read tokens of texts. */
export const ENCODER_MODELS = ["minilm"] as const;

/** Usage of the options that may follow their names, for messages and help. */
export const ENCODER_USAGE =
  "for tokens of texts minilm[:layers=COUNT][,rank=SIZE][,alpha=NUMBER][,train=AB|B|alternate][,features=float16]";

/** Returns true for the name of a model that reads tokens of texts, whatever options follow. */
export function isEncoderModel(spec: string): boolean {
  const [name] = spec.split(":", 1);
  return ENCODER_MODELS.some((one) => one === name?.trim());
}

/**
 * Describes a model on a pretrained encoder: `minilm` is a head on `all-MiniLM-L6-v2`, and
 * `minilm:layers=2,rank=8` has adapters on query and value of its last two layers too.
 *
 * @throws {SyntaxError} If the text has another form.
 * @throws {RangeError} If there is no such option, or the data are no tokens with classes.
 * @throws {TypeError} If an option is out of range; the message names it.
 */
export function encoderByName(
  spec: string,
  { inputShape, numClasses, steps, tokenizer, task, loss, init }: ModelOptions,
): ModelDescription {
  const options = readNamedOptions("model", spec), { name, numbers } = options;
  checkNamedOptions(options, {
    numbers: ["layers", "rank", "alpha"],
    texts: ["train", "features"],
  });
  const refuse = (expected: string, got: string): never => {
    throw new RangeError(`Cannot describe the model ${name}: expected ${expected}, got ${got}`);
  };
  const [maxTokens = 0, ...others] = inputShape;
  if (others.length > 0 || steps !== undefined || numClasses === undefined) {
    refuse(
      "tokens of texts with a class for each text, such as those of --data banking77",
      `samples of shape [${inputShape}]${task ? ` for the task ${task}` : ""}`,
    );
  }
  if (numClasses !== undefined && numClasses < 2) refuse("2 classes or more", `${numClasses}`);
  if (tokenizer !== undefined && tokenizer !== ALL_MINILM_L6_V2.tokenizer) {
    refuse(`texts of the tokenizer ${ALL_MINILM_L6_V2.tokenizer} of its base`, tokenizer);
  }
  if (init !== undefined && init !== "zeros") {
    refuse("initial weights of the head that are zeros", init);
  }
  const { train, features, ...rest } = options.texts;
  const known = { train: ["AB", "B", "alternate"], features: ["float32", "float16"] } as const;
  const adapts = train !== undefined || Object.keys(rest).length > 0;
  return textEncoder({
    ...ALL_MINILM_L6_V2,
    numClasses: numClasses ?? 0,
    maxTokens,
    ...(loss && { loss }),
    ...(features !== undefined && { features: oneOf(known.features, features, "features") }),
    ...(adapts && {
      adapters: lora({
        ...numbers,
        ...(train !== undefined && { train: oneOf(known.train, train, "train") }),
      }),
    }),
  });
}

function oneOf<T extends string>(known: readonly T[], value: string, option: string): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new RangeError(
    `Cannot make minilm: expected ${option} to be one of ${known.join(", ")}, got ${value}`,
  );
}
