import type { Dataset } from "../data/dataset.ts";
import type { Schema } from "../data/schema/schema.ts";
import type { AnswerOptions } from "../data/statistics/answer.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../wire/messages.ts";
import {
  arrangeSamples,
  checkSchema,
  knownSamples,
  type SourceOptions,
} from "./arranged_samples.ts";
import type { DescribedData } from "./describe_data.ts";
import type { Samples } from "./samples.ts";

/** Training and test data of a handler, before and after they are arranged by a schema. */
export class HandlerData {
  /** The samples as they are given, to be arranged. */
  #source: SourceOptions;
  /** The samples; `undefined` before they are arranged where they come from a source. */
  #samples: Samples | undefined;
  #schema: Schema | undefined;
  /** The data as they are described to a server; `undefined` where it has not asked. */
  #described: DescribedData | undefined;

  /**
   * Keeps the samples.
   *
   * @throws {RangeError} If the data has no rows, or a feature is not finite.
   * @throws {TypeError} If rows of a source are given.
   */
  constructor(samples: SourceOptions) {
    this.#source = samples;
    this.#samples = knownSamples(samples);
  }

  /** Schema by which the samples are arranged. */
  get schema(): Schema | undefined {
    return this.#schema;
  }

  /**
   * The arranged samples.
   *
   * @throws {Error} If they are not arranged yet.
   */
  get samples(): Samples {
    if (!this.#samples) {
      throw new Error("Cannot use the handler: setUp() has not arranged its data");
    }
    return this.#samples;
  }

  /** Arranges the samples by a schema, calls `use` with them, and keeps what came of it. */
  async arrange(
    schema: Schema | undefined,
    use: (samples: Samples) => Promise<(samples: Samples) => void>,
  ): Promise<void> {
    this.#described = undefined;
    const source = this.#source;
    const arranged = await arrangeSamples(source, schema);
    const accept = await use(arranged);
    // The data may have been replaced meanwhile.
    const samples = source === this.#source ? arranged : this.samples;
    accept(samples);
    this.#samples = samples;
    this.#schema = schema ?? samples.data.schema;
  }

  /**
   * Checks samples to replace those of now; the schema stays.
   *
   * @returns A function that replaces them.
   * @throws {RangeError} If there are no rows, a feature is not finite, or the data has another
   * shape, schema or more classes.
   */
  replacement(data: Dataset, rows?: Uint32Array, testRows?: Uint32Array): () => void {
    if (data.schema && this.#schema && data !== this.#samples?.data) {
      checkSchema(data, this.#schema);
    }
    const samples = this.samples.replace(data, rows, testRows);
    return () => {
      this.#samples = samples;
      this.#source = samples.options;
    };
  }

  /** Answers a question of a server about the training data. */
  async describe(question: StatisticsQuestion, rules: AnswerOptions): Promise<StatisticsAnswer> {
    if (this.#described === undefined) {
      const { DescribedData } = await import("./describe_data.ts");
      this.#described ??= new DescribedData(this.#source);
    }
    return await this.#described.answer(question, rules);
  }
}
