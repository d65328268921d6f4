/**
 * Meaning of sequences of texts in a schema.
 *
 * @module
 */

import type { Schema } from "../schema/schema.ts";
import type { SequenceMode } from "./sequences.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Name of the input of a schema, by the way in which its texts are cut. */
export const INPUT_NAMES: Readonly<Record<SequenceMode, string>> = {
  lines: "line",
  windows: "window",
};

/** Form of sequences, with all that a schema says of it. */
export interface TextMeaning {
  /** Symbols, which are the classes too. */
  readonly vocabulary: Vocabulary;
  /** Way in which texts are cut. */
  readonly mode: SequenceMode;
  /** Number of steps of a sequence. */
  readonly steps: number;
}

/**
 * Reads the form of the sequences of a schema; `undefined` if it is not one of texts whose next
 * symbol is the class of each step.
 *
 * @throws {RangeError} If the symbols are not those of a vocabulary.
 */
export function textMeaning({ inputs, target }: Schema): TextMeaning | undefined {
  const [input, ...others] = inputs;
  const mode = (["lines", "windows"] as const).find((one) => INPUT_NAMES[one] === input?.name);
  if (input?.kind !== "sequence" || others.length > 0 || mode === undefined) return undefined;
  const { vocabulary: symbols = [], shape: [steps = 0] } = input;
  const isNext = target.task === "classification" && target.steps === steps &&
    target.classes.length === symbols.length &&
    target.classes.every((name, i) => name === symbols[i]);
  return isNext ? { vocabulary: Vocabulary.ofSymbols(symbols), mode, steps } : undefined;
}
