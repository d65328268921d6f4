import type { RawTable } from "../formats/raw_table.ts";
import type { StatisticsAnswer } from "../../wire/messages/statistics.ts";
import { type AnswerOptions, answerQuestion } from "./answer.ts";
import { Survey } from "./survey.ts";
import type { SurveyOptions, SurveyResult } from "./survey_options.ts";

/** Table of a site, and the rules for its figures. */
export interface LocalSite extends Omit<AnswerOptions, "minCount" | "marks"> {
  /** The table. */
  readonly table: RawTable;
}

/**
 * Summarizes tables as a server summarizes those of its clients, without sockets.
 *
 * @param minCount Fewest rows of a table that a figure may be about; 1 for exact figures.
 * @throws {RangeError} If the tables cannot be united. The message names the table.
 *
 * @example Two wards
 * ```ts
 * import { surveyTables, tableOf } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const { rows, columns: [age] } = surveyTables([
 *   { table: tableOf("a.csv", { age: [63, 41] }) },
 *   { table: tableOf("b.csv", { age: [52, null] }) },
 * ], 1);
 * assertEquals([rows, age?.mean, age?.missing, age?.high], [4, 52, 1, 63]);
 * ```
 */
export function surveyTables(
  sites: readonly LocalSite[],
  minCount: number,
  options: SurveyOptions = {},
): SurveyResult {
  const { marks = [] } = options;
  const byName = new Map(sites.map((site) => [site.table.name, site]));
  const survey = new Survey([...byName.keys()], options);
  const course = survey.run();
  let step = course.next();
  while (!step.done) {
    const answers = new Map<string, StatisticsAnswer>();
    for (const [name, question] of step.value) {
      const site = byName.get(name);
      if (site === undefined) continue;
      const answer = answerQuestion(site.table, question, { ...site, minCount, marks });
      survey.check(name, question, answer);
      answers.set(name, answer);
    }
    step = course.next(answers);
  }
  return step.value;
}
