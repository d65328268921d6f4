import type { Dataset } from "../dataset.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../../wire/messages.ts";
import type { AnswerOptions } from "./answer.ts";
import { shareableCounts } from "./value_counts.ts";

/**
 * Answers a question about data without columns: with the number of rows, their shape, and the
 * number of rows of each class.
 *
 * @param rows Rows that are meant. Default: all.
 * @throws {RangeError} If the question is about columns that it does not have.
 */
export function answerAboutArrays(
  data: Dataset,
  question: StatisticsQuestion,
  { minCount, share = "total" }: AnswerOptions,
  rows: ArrayLike<number> = Array.from({ length: data.length }, (_, row) => row),
): StatisticsAnswer {
  if (question.kind !== "columns") {
    throw new RangeError(
      `Cannot answer the question about ${question.kind}: expected columns with names, got arrays`,
    );
  }
  if (share === "none") return { kind: "columns", rows: 0, columns: [] };
  if (rows.length < minCount) return { kind: "columns", rows: rows.length, columns: [] };
  const { schema } = data;
  const names = schema?.target.task === "classification" ? schema.target.classes : [];
  const counts = new Map<string, number>();
  for (let i = 0; data.task === "classification" && i < rows.length; i++) {
    const label = data.labels[rows[i] ?? 0] ?? 0;
    const name = names[label] ?? `${label}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return {
    kind: "columns",
    rows: rows.length,
    columns: [],
    shape: [...data.shape],
    ...(data.task === "classification" && { classes: shareableCounts(counts, minCount) }),
    ...(share === "site" && { isShown: true }),
  };
}
