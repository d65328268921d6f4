import { isTablePath } from "../../data/formats/read_table.ts";
import type { DataSource } from "../../data/schema/data_source.ts";
import { hasNamedColumns } from "../../data/schema/named.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { PredictInput, PredictOptions } from "../../predict/pieces.ts";
import { dataFrom } from "../options/data.ts";
import type { Flags } from "../options/table.ts";
import { openSource } from "./data.ts";

/**
 * Opens the data that a command's options name, for a model with a schema.
 *
 * @throws {UsageError} If options of tables are given for data that is no table.
 */
export async function openFor(
  flags: Flags<"evaluate">,
  schema: Schema | undefined,
  signal: AbortSignal,
): Promise<DataSource> {
  // A first line with one of the schema's names is a header.
  const names = schema && hasNamedColumns(schema) && isTablePath(flags.data)
    ? { featureColumns: schema.inputs.map(({ name }) => name) }
    : {};
  return await openSource({ ...dataFrom(flags), ...names }, signal);
}

/** Data to predict for, and what its owner has declared about it. */
export interface InputData extends Pick<PredictOptions, "units"> {
  /** The data. */
  readonly input: PredictInput;
}

/** Gives the data of a source to predict for: its test set, where it has one. */
export async function inputFrom(source: DataSource, schema: Schema): Promise<InputData> {
  const tables = await source.tables?.();
  if (tables) {
    const { train, test = train, options: { units = {} } } = tables;
    return { input: test, units };
  }
  const { train, test = train } = await source.arrange(schema);
  return { input: test };
}
