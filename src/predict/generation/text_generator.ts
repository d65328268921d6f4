/**
 * Texts that a language model goes on with.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";
import { Random } from "../../base/random.ts";
import { type TextMeaning, textMeaning } from "../../data/text/meaning.ts";
import { START } from "../../data/text/vocabulary.ts";
import { ModelStepper } from "../../engine/stepper.ts";
import type { TrainedModel } from "../../train/models/model_file.ts";
import { type ModelSource, readSource } from "../source.ts";
import { drawSymbol } from "./draw_symbol.ts";

/** Options of {@linkcode TextGenerator.sample}. */
export interface SampleOptions {
  /**
   * Divisor of the logits, from 0: below 1 probable symbols become more so, and with 0 the most
   * probable one is taken.
   *
   * @default {0.7}
   */
  readonly temperature?: number;
  /**
   * Number of the most probable symbols among which one is drawn, from 1.
   *
   * @default {40}
   */
  readonly topK?: number;
  /**
   * Most symbols to give.
   *
   * @default {500}
   */
  readonly length?: number;
  /** Character that ends the text, and is no part of it. Default: none. */
  readonly stop?: string;
  /**
   * Seed of the draws, 0 to 2^32 - 1.
   *
   * @default {0}
   */
  readonly seed?: number;
}

/** Place in a text, from which a generator can go on. */
export interface TextPlace {
  /** States of the recurrent layers. */
  readonly state: Float32Array;
  /** Logits of the next symbol. */
  readonly logits: Float32Array;
}

/**
 * Language model that reads a text, and goes on with it a character at a time.
 *
 * A model of lines begins each line anew; one of windows reads at most the steps of a window before
 * it goes on. The same model, text, options and seed give the same text on every machine whose
 * kernels round alike.
 *
 * @example
 * ```ts ignore
 * import { TextGenerator } from "@fedlab/core/predict";
 *
 * const generator = await TextGenerator.load("runs/shakespeare");
 * generator.feed("To be, or ");
 * for (const text of generator.sample({ temperature: 0.7, seed: 1, stop: "\n" })) {
 *   console.log(text);
 * }
 * ```
 */
export class TextGenerator {
  /** Symbols, steps and cut of the texts that the model is trained on. */
  readonly meaning: TextMeaning;
  readonly #stepper: ModelStepper;
  readonly #logits: Float32Array<ArrayBuffer>;

  /**
   * Makes a generator at the start of a text.
   *
   * @throws {TypeError} If the model has no description.
   * @throws {RangeError} If it has no schema of texts, or its weights do not fit.
   * @throws {UnsupportedModelError} If the engine does not take its steps.
   */
  constructor({ model, schema, manifest, parameters }: TrainedModel) {
    if (model === undefined) {
      throw new TypeError("Cannot generate texts: the model has no description");
    }
    const meaning = schema && textMeaning(schema);
    if (meaning === undefined) {
      throw new RangeError(
        `Cannot generate texts: expected a model of texts, got ${
          schema ? `one of the input ${schema.inputs[0]?.name}` : "one without a schema"
        }`,
      );
    }
    this.meaning = meaning;
    this.#stepper = new ModelStepper(model, { manifest, parameters });
    const { length } = this.#stepper.step(START);
    if (length !== meaning.vocabulary.size) {
      throw new RangeError(
        `Cannot generate texts: expected ${meaning.vocabulary.size} outputs for the symbols of the schema, got ${length}`,
      );
    }
    this.#logits = new Float32Array(length);
    this.reset();
  }

  /**
   * Loads the model of a run's folder or of a file, as `Predictor.load()` does.
   *
   * @throws {TypeError | SyntaxError | RangeError} If it cannot be read, or is not one of texts.
   */
  static async load(source: ModelSource, signal?: AbortSignal): Promise<TextGenerator> {
    return new TextGenerator(await readSource(source, signal));
  }

  /** Begins a new text. */
  reset(): void {
    this.#stepper.reset();
    this.#take(START);
  }

  /**
   * Reads a text.
   *
   * @throws {RangeError} If the model does not know a character; nothing is read.
   */
  feed(text: string): void {
    const { vocabulary, mode, steps } = this.meaning;
    const all = vocabulary.encode(text);
    if (mode === "windows" && all.length >= steps) this.#stepper.reset();
    for (const symbol of mode === "windows" ? all.subarray(-steps) : all) this.#read(symbol);
  }

  /**
   * Draws the symbols that follow, and reads them: a generator that is asked again goes on.
   *
   * @returns The text, a piece at a time: characters, or as many bytes as are whole characters.
   * @throws {RangeError} If an option is out of range, or the model's outputs are not numbers.
   */
  *sample(options: SampleOptions = {}): Generator<string, void> {
    const { temperature = 0.7, topK = 40, length = 500, seed = 0, stop } = options;
    const problem = "Cannot generate a text";
    checkInRange(temperature, { least: 0 }, problem, "a temperature from 0");
    checkInRange(topK, AT_LEAST_ONE, problem, "a whole number of symbols to draw from, from 1");
    checkInRange(length, AT_LEAST_ONE, problem, "a whole number of symbols from 1");
    const { vocabulary } = this.meaning;
    const stops = stop === undefined ? undefined : vocabulary.encode(stop);
    if (stops && stops.length !== 1) {
      throw new RangeError(`${problem}: expected one symbol to stop at, got ${stops.length}`);
    }
    const random = new Random(seed, "generation");
    const decode = vocabulary.decoder();
    const least = START + 1;
    for (let count = 0; count < length; count++) {
      const symbol = drawSymbol(this.#logits, { temperature, topK, least }, random);
      if (symbol < 0) throw new RangeError(`${problem}: the model's outputs are not numbers`);
      this.#read(symbol);
      if (symbol === stops?.[0]) break;
      const text = decode(symbol);
      if (text !== "") yield text;
    }
    const rest = decode();
    if (rest !== "") yield rest;
  }

  /** Place in the text, from which several texts can go on. */
  get place(): TextPlace {
    return { state: this.#stepper.state, logits: this.#logits.slice() };
  }

  /** @throws {RangeError} If the place is one of another model. */
  set place({ state, logits }: TextPlace) {
    if (logits.length !== this.#logits.length) {
      throw new RangeError(
        `Cannot go to the place: expected ${this.#logits.length} logits, got ${logits.length}`,
      );
    }
    this.#stepper.state = state;
    this.#logits.set(logits);
  }

  #read(symbol: number): void {
    this.#take(symbol);
    // No line is behind another where the model has learnt lines.
    if (this.meaning.mode === "lines" && symbol === this.meaning.vocabulary.lineFeed) this.reset();
  }

  #take(symbol: number): void {
    this.#logits.set(this.#stepper.step(symbol));
  }
}
