import { shownName } from "../schema/names.ts";
import { sumCounts } from "./column_summary.ts";
import type { SiteRecord } from "./site_record.ts";
import type { SurveyResult } from "./survey_options.ts";

/**
 * Summarizes data without columns.
 *
 * @throws {RangeError} If sites differ in the shape of a row, or no site has figures.
 */
export function summarizeArrays(records: readonly SiteRecord[]): SurveyResult {
  const told = records.filter(({ shape }) => shape !== undefined);
  const [first] = told;
  if (first === undefined) {
    throw new RangeError("Cannot summarize the data: no site has enough rows for figures");
  }
  const other = told.find(({ shape }) => `${shape}` !== `${first.shape}`);
  if (other !== undefined) {
    throw new RangeError(
      `Cannot unite the data: expected rows of the shape [${first.shape}] at ${
        shownName(other.name)
      } as at ${shownName(first.name)}, got [${other.shape}]`,
    );
  }
  return {
    rows: records.reduce((sum, { rows }) => sum + rows, 0),
    columns: [],
    classes: sumCounts(told.map(({ classes = [] }) => classes)),
    ...(first.shape && { shape: first.shape }),
    sites: records.map(({ name, rows, isShown }) => ({ name, ...(isShown && { rows }) })),
    notes: [],
  };
}
