/**
 * Texts with labels as a data set of token numbers.
 *
 * @module
 */

import { Dataset } from "../dataset.ts";
import type { Schema } from "../schema/schema.ts";
import { sortNames } from "../schema/names.ts";
import type { LabelledTexts } from "./labelled_texts.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** Options of {@linkcode tokenDataset}. */
export interface TokenDatasetOptions {
  /** Tokenizer of the pretrained model, whose digest is part of the schema. */
  readonly tokenizer: TextTokenizer;
  /**
   * Names of the classes, in the order of their numbers.
   *
   * @default The labels of the texts, sorted.
   */
  readonly classes?: readonly string[];
  /**
   * Name of the input.
   *
   * @default {"text"}
   */
  readonly name?: string;
  /**
   * Name of the target.
   *
   * @default {"label"}
   */
  readonly target?: string;
  /**
   * Name of the texts in messages.
   *
   * @default {"a data set of texts"}
   */
  readonly title?: string;
}

/** Data set of texts, with counts of what could not be kept. */
export interface TokenizedTexts {
  /** Numbers of tokens, padded by 0 to `maxTokens`, and the class of each text. */
  readonly data: Dataset;
  /** Number of texts that were cut. */
  readonly cutTexts: number;
  /** Number of texts without a token of their own, such as empty ones. */
  readonly emptyTexts: number;
  /** Number of tokens for what the vocabulary lacks. */
  readonly unknownTokens: number;
}

/**
 * Makes a data set of token numbers, with shape `[maxTokens]` for a text.
 *
 * @throws {RangeError} If a label is not among the classes.
 */
export function tokenDataset(
  { texts, labels }: LabelledTexts,
  {
    tokenizer,
    classes = sortNames(new Set(labels)),
    name = "text",
    target = "label",
    title = "a data set of texts",
  }: TokenDatasetOptions,
): TokenizedTexts {
  const { maxTokens, sha256 } = tokenizer;
  const marks = tokenizer.encode("").ids.length;
  const numbers = new Map(classes.map((label, i) => [label, i]));
  const features = new Float32Array(texts.length * maxTokens);
  const targets = Int32Array.from(labels, (label, row) => {
    const number = numbers.get(label);
    if (number !== undefined) return number;
    throw new RangeError(
      `Cannot use ${title}: expected one of ${classes.length} labels for text ${row + 1}, got ${
        JSON.stringify(label)
      }`,
    );
  });
  let cutTexts = 0, emptyTexts = 0, unknownTokens = 0;
  for (const [row, text] of texts.entries()) {
    const { ids, cut, unknown } = tokenizer.encode(text);
    features.set(ids, row * maxTokens);
    if (cut > 0) cutTexts++;
    if (ids.length <= marks) emptyTexts++;
    unknownTokens += unknown;
  }
  const schema: Schema = {
    format: "fedlab.schema/1",
    inputs: [{ name, kind: "sequence", shape: [maxTokens], tokenizer: sha256 }],
    target: { name: target, task: "classification", classes },
  };
  const data = Dataset.of({
    features,
    targets,
    shape: [maxTokens],
    task: "classification",
    numClasses: classes.length,
    schema,
  });
  return { data, cutTexts, emptyTexts, unknownTokens };
}
