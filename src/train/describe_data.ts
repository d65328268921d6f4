/**
 * Figures of the data of a handler, in answer to a server's questions.
 *
 * @module
 */

import { Dataset } from "../data/dataset.ts";
import type { SourceTables } from "../data/schema/data_source.ts";
import { answerAboutArrays } from "../data/statistics/answer_arrays.ts";
import { type AnswerOptions, answerQuestion } from "../data/statistics/answer.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../wire/messages.ts";
import type { SourceOptions } from "./arranged_samples.ts";

/** Data of a handler, read when they are first asked for. */
export class DescribedData {
  readonly #source: SourceOptions;
  #tables: Promise<SourceTables | undefined> | undefined;
  #arrays: Promise<Dataset> | undefined;

  /** Describes the training data of a handler. */
  constructor(source: SourceOptions) {
    this.#source = source;
  }

  /** Answers a question. */
  async answer(question: StatisticsQuestion, rules: AnswerOptions): Promise<StatisticsAnswer> {
    const { data, rows } = this.#source;
    if (data instanceof Dataset) return answerAboutArrays(data, question, rules, rows);
    const tables = await (this.#tables ??= Promise.resolve(data.tables?.()));
    if (tables === undefined) {
      const arrays = this.#arrays ??= data.arrange(undefined).then(({ train }) => train);
      return answerAboutArrays(await arrays, question, rules);
    }
    const { train, options: { units = {}, idColumn, weightColumn, exclude = [] } } = tables;
    const hidden = [idColumn, weightColumn, ...exclude].filter((column) => column !== undefined);
    return answerQuestion(train, question, { ...rules, units, hidden });
  }
}
