import type { DataSource } from "../../data/schema/data_source.ts";
import { nameReader } from "../../data/schema/cell_reader.ts";
import { ColumnIndex } from "../../data/schema/columns.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { selectRows } from "../../data/schema/table_of.ts";
import { fitSchema, surveyForSchema } from "../../data/statistics/fit_schema.ts";
import { DEFAULT_MIN_COUNT } from "../../data/statistics/limits.ts";
import { surveyTables } from "../../data/statistics/local_survey.ts";
import { holdOut } from "../../data/split.ts";
import { UsageError } from "../options/option.ts";
import { printError } from "../output/terminal.ts";
import { madeSchemaLine } from "./made_schema.ts";

/** Sites of a simulation, which make its schema together. */
export interface SiteSchemaOptions {
  /** Fewest rows of a site that a figure may be about. */
  readonly minCount: number | undefined;
  /** Share of each site's rows that it holds out, and that figures are not about. */
  readonly holdOut: number | undefined;
  /** Seed of the choice of these rows. */
  readonly seed: number;
}

/**
 * Makes the schema of a simulation from figures of the tables of its sites, as a server does with
 * its clients.
 *
 * @param source Source whose ids are the names of the sites.
 * @throws {UsageError} If the data are no tables of sites.
 */
export async function siteSchema(
  source: DataSource,
  { minCount = DEFAULT_MIN_COUNT, holdOut: share, seed }: SiteSchemaOptions,
): Promise<Schema> {
  const tables = await source.tables?.();
  const idColumn = tables?.options.idColumn;
  if (tables === undefined || idColumn === undefined) {
    throw new UsageError(
      `expected tables with --sites for --schema federated, got ${source.name}`,
    );
  }
  const { train, options } = tables;
  const column = train.columns[new ColumnIndex(train).get(idColumn, "a column of sites")];
  const read = column && nameReader(column);
  const rowsOf = new Map<string, number[]>();
  for (let row = 0; row < train.length; row++) {
    const site = read?.(row) ?? "";
    const rows = rowsOf.get(site);
    if (rows) rows.push(row);
    else rowsOf.set(site, [row]);
  }
  const sites = [...rowsOf].map(([name, list]) => {
    const all = Uint32Array.from(list);
    const rows = share === undefined ? all : holdOut(all, { share, seed, index: 0 }).train;
    const { units = {} } = options;
    return {
      table: { ...selectRows(train, rows), name },
      hidden: [idColumn],
      units,
      note: printError,
    };
  });
  const summary = surveyTables(sites, minCount, surveyForSchema(options));
  const { schema, warnings } = fitSchema(summary, options);
  [...summary.notes, ...warnings].forEach(printError);
  printError(madeSchemaLine(schema, summary.rows));
  return schema;
}
