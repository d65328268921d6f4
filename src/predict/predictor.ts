/**
 * Trained model that predicts.
 *
 * @module
 */

import { yieldToEventLoop } from "../base/time/yield_to_event_loop.ts";
import { inputShape } from "../data/schema/features.ts";
import { shownNames } from "../data/schema/names.ts";
import type { Schema } from "../data/schema/schema.ts";
import { createInference } from "../engine/inference.ts";
import type { Inference } from "../train/inference.ts";
import type { TfjsOptions } from "../engine/model_evaluator.ts";
import type { ModelDescription } from "../train/handler.ts";
import type { TrainedModel } from "../train/models/model_file.ts";
import { defaultSchema } from "./default_schema.ts";
import { type OutputReader, outputReader } from "./output.ts";
import { type Piece, piecesOf, type PredictInput, type PredictOptions } from "./pieces.ts";
import { Predictions } from "./predictions.ts";
import { type ModelSource, readSource } from "./source.ts";
import { type TextReader, textReader, type TokenizerSource } from "./texts.ts";

/** Options of {@linkcode Predictor.load}. */
export interface PredictorOptions extends TfjsOptions {
  /**
   * Tokenizer of the texts of a model on a pretrained base: the path or the bytes of the file that
   * the model's schema names by its SHA-256, or the tokenizer itself. Default: none.
   */
  tokenizer?: TokenizerSource;
  /** Ends the loading from a URL; it then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Trained model that gives predictions with names: classes and their probabilities, labels, or
 * measures in their own units.
 *
 * The model's schema arranges the data: columns by name in any order, categories, missing values by
 * their policies, standardization. A model without a schema takes features by place, and its
 * classes are numbers. A model of texts takes rows such as `{ text: "Where is my card?" }`, whose
 * field has the name of its input; one on a pretrained base needs the options `base` and
 * `tokenizer`, and a language model gives the class of each step (`steps`).
 *
 * @example From a run's folder
 * ```ts ignore
 * import { Predictor } from "@fedlab/core/predict";
 *
 * await using predictor = await Predictor.load("runs/hospitals");
 * const predictions = await predictor.predict([{ age: 63, chol: 233, sex: "m" }]);
 * console.log(predictions.at(0)?.class, predictions.at(0)?.probabilities);
 * ```
 */
export class Predictor implements AsyncDisposable {
  /** Description of the model. */
  readonly model: ModelDescription;
  /** Schema of the model, or one by place if it has none. */
  readonly schema: Schema;
  /** True if the model has a schema of its own. */
  readonly hasSchema: boolean;
  readonly #inference: Inference;
  readonly #output: OutputReader;
  readonly #texts: TextReader | undefined;
  /** Number of steps of a row with a class each; `undefined` for one class of a row. */
  readonly #steps: number | undefined;

  private constructor(
    { model, schema, hasSchema }: { model: ModelDescription; schema: Schema; hasSchema: boolean },
    { inference, output, texts, steps }: {
      inference: Inference;
      output: OutputReader;
      texts: TextReader | undefined;
      steps: number | undefined;
    },
  ) {
    this.model = model;
    this.schema = schema;
    this.hasSchema = hasSchema;
    this.#inference = inference;
    this.#output = output;
    this.#texts = texts;
    this.#steps = steps;
  }

  /**
   * Loads a model from the folder of a run or a safetensors file, from the URL of either, or from
   * the contents of the files. Description and schema are taken from the metadata of the
   * safetensors file, else from `model.json` and `schema.json` beside it.
   *
   * @throws {TypeError} If there is no description of the model, or a file cannot be read.
   * @throws {SyntaxError} If a file is not whole.
   * @throws {RangeError} If weights, description and schema do not fit one another.
   */
  static async load(source: ModelSource, options: PredictorOptions = {}): Promise<Predictor> {
    return await Predictor.of(await readSource(source, options.signal), options);
  }

  /**
   * Makes a predictor of a model in memory. The errors are those of {@linkcode Predictor.load}.
   */
  static async of(
    trained: TrainedModel,
    { tokenizer, ...options }: Omit<PredictorOptions, "signal"> = {},
  ): Promise<Predictor> {
    const model = needModel(trained);
    const inference = await createInference(model, trained, options);
    try {
      const { target } = trained.schema ?? {};
      const steps = target?.task === "classification" ? target.steps : undefined;
      const shape = inference.outputShape, units = shape.at(-1);
      const wanted = steps === undefined ? "" : `${steps}`;
      if (typeof units !== "number" || shape.slice(0, -1).join() !== wanted) {
        throw new RangeError(
          `Cannot predict: expected a model that gives a list of values${
            steps === undefined ? "" : ` at each of ${steps} steps`
          }, got the shape [${shape.map((size) => size ?? "any").join(", ")}]`,
        );
      }
      const schema = trained.schema ?? defaultSchema(inference.inputShape, units, model.loss);
      const output = outputReader(schema, model.loss, units);
      const hasSchema = trained.schema !== undefined;
      const texts = await textReader(schema, tokenizer);
      return new Predictor({ model, schema, hasSchema }, { inference, output, texts, steps });
    } catch (error) {
      inference[Symbol.dispose]();
      throw error;
    }
  }

  /** Names of the classes, labels or measures that are predicted. */
  get names(): readonly string[] {
    return this.#output.names;
  }

  /**
   * Predicts for the rows of a table, a data set or a list.
   *
   * Rows that the schema's policy for missing values leaves out stay in their places, without a
   * prediction.
   *
   * @throws {RangeError | SyntaxError | TypeError} If the data do not fit the schema. The message
   * is one line that names the first difference.
   */
  async predict(input: PredictInput, options: PredictOptions = {}): Promise<Predictions> {
    const pieces = await Array.fromAsync(this.predictPieces(input, options));
    const [only] = pieces;
    if (only && pieces.length === 1) return only;
    const { task } = this.schema.target, { names } = this;
    const scores = new Float64Array(pieces.reduce((sum, { scores }) => sum + scores.length, 0));
    let at = 0;
    for (const piece of pieces) {
      scores.set(piece.scores, at);
      at += piece.scores.length;
    }
    const ids = pieces.every(({ ids }) => ids) && pieces.length > 0
      ? { ids: pieces.flatMap(({ ids = [] }) => ids) }
      : {};
    const notes = [...new Set(pieces.flatMap(({ notes }) => notes))];
    const lengths = pieces.flatMap(({ steps }) => [...steps?.lengths ?? []]);
    return new Predictions({
      ...{ task, names, scores, ...ids, notes },
      ...(this.#steps !== undefined && {
        steps: { count: this.#steps, lengths: Uint32Array.from(lengths) },
      }),
    });
  }

  /**
   * Predicts as {@linkcode Predictor.predict} does, and gives the predictions of some rows at a
   * time, so that those of a large table need not be in memory together.
   */
  async *predictPieces(
    input: PredictInput,
    options: PredictOptions = {},
  ): AsyncGenerator<Predictions> {
    const known = { schema: this.schema, isOwn: this.hasSchema, texts: this.#texts };
    let start = 0;
    for await (const piece of piecesOf(input, known, options)) {
      await yieldToEventLoop();
      options.signal?.throwIfAborted();
      yield this.#predict(piece, start);
      start += piece.length;
    }
  }

  /** Frees the memory of the model. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#inference[Symbol.dispose]();
    return Promise.resolve();
  }

  #predict(
    { length, features, rows, ids, ignored, filled, notes: own = [] }: Piece,
    start: number,
  ): Predictions {
    const { names, units, read } = this.#output, count = this.#steps ?? 1;
    const outputs = rows.length === 0
      ? new Float32Array()
      : this.#inference.run(features, inputShape(this.schema));
    const scores = new Float64Array(length * count * names.length).fill(NaN);
    const lengths = new Uint32Array(this.#steps === undefined ? 0 : length);
    rows.forEach((row, i) => {
      const taken = this.#steps === undefined ? 1 : lengthOf(features, i * count, count);
      if (this.#steps !== undefined) lengths[row] = taken;
      for (let step = 0; step < taken; step++) {
        const at = (row * count + step) * names.length;
        read(outputs, (i * count + step) * units, scores, at);
        const wrong = scores.subarray(at, at + names.length)
          .find((score) => !Number.isFinite(score));
        if (wrong === undefined) continue;
        throw new RangeError(
          `Cannot predict: expected finite outputs, got ${wrong} for row ${start + row + 1}`,
        );
      }
    });
    const notes = [
      ...(ignored.length > 0
        ? [`columns that the model does not use: ${shownNames(ignored)}`]
        : []),
      ...(filled > 0 ? ["missing values are filled in"] : []),
      ...own,
    ];
    return new Predictions({
      task: this.schema.target.task,
      names,
      scores,
      ...(ids && { ids }),
      notes,
      ...(this.#steps !== undefined && { steps: { count, lengths } }),
    });
  }
}

/** Returns the number of steps of a sequence before its padding, which is zeros. */
function lengthOf(features: Float32Array, from: number, count: number): number {
  let length = count;
  while (length > 0 && features[from + length - 1] === 0) length--;
  return length;
}

/**
 * Returns the description of a model.
 *
 * @throws {TypeError} If it has none.
 */
export function needModel({ model }: TrainedModel): ModelDescription {
  if (model) return model;
  throw new TypeError(
    "Cannot use the model: expected its description in the metadata of the file or in a model.json beside it, got none",
  );
}
