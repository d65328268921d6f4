import type { Dataset } from "../../data/dataset.ts";
import type { Task } from "../../data/schema/schema.ts";
import type { LossName } from "../handler.ts";

/** Options of every built-in model. */
export interface ModelOptions {
  /** Shape of one sample, such as `[64]` or `[28, 28, 1]`. */
  inputShape: readonly number[];
  /**
   * Number of classes, which is the number of logits; at least 2. Needed for the task
   * classification alone.
   */
  numClasses?: number;
  /**
   * Task. The loss is `softmaxCrossEntropy` for classification, `sigmoidCrossEntropy` for
   * multi-label, `meanSquaredError` for regression, unless {@linkcode ModelOptions.loss} says
   * otherwise.
   *
   * @default {"classification"}
   */
  task?: Task;
  /**
   * Number of labels or measures, which is the number of outputs; at least 1. It counts for the
   * tasks multi-label and regression.
   *
   * @default {1}
   */
  outputs?: number;
  /** Number of steps of a sample that is a sequence with a class at each step. */
  steps?: number;
  /** Number of symbols of such sequences, where a vocabulary tells it. */
  symbols?: number;
  /** SHA-256 of the tokenizer of the texts, where samples are their tokens. */
  tokenizer?: string;
  /**
   * Loss on the linear outputs: for classification `softmaxCrossEntropy`, or `sigmoidCrossEntropy`
   * for two classes, whose model then has one output; for regression `meanSquaredError`,
   * `meanAbsoluteError` or `huber`.
   */
  loss?: LossName;
  /**
   * Initial weights: `"zeros"`, for a model without hidden layers alone, or `"glorot"`, uniform by
   * Glorot and Bengio 2010. Biases are 0.
   *
   * @default {"zeros"} for logistic regression, `"glorot"` for the other models
   */
  init?: InitName;
}

/** Names of the ways to draw the initial weights of a built-in model. */
export const INIT_NAMES = ["zeros", "glorot"] as const;

/** Name of a way to draw the initial weights of a built-in model. */
export type InitName = typeof INIT_NAMES[number];

/** Reports whether a text names a way to draw the initial weights. */
export function isInitName(text: string): text is InitName {
  return INIT_NAMES.some((name) => name === text);
}

/** Shape and targets of data, and what they mean. */
export type ModelData = Pick<Dataset, "shape" | "task" | "numClasses" | "outputs" | "schema">;

/** Returns the options of a model for the shape, the task and the targets of the data. */
export function modelOptionsOf(
  { shape, task, numClasses, outputs, schema }: ModelData,
): ModelOptions {
  const options = { inputShape: shape, task };
  if (task !== "classification") return { ...options, outputs };
  const [input] = schema?.inputs ?? [];
  const tokenizer = input && "tokenizer" in input ? input.tokenizer : undefined;
  if (outputs === 1) {
    return { ...options, numClasses, ...(tokenizer !== undefined && { tokenizer }) };
  }
  const symbols = input && "vocabulary" in input ? input.vocabulary?.length : undefined;
  return { ...options, numClasses, steps: outputs, ...(symbols !== undefined && { symbols }) };
}
