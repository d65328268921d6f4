import { isNamedData } from "../../data/catalog/synthetic_name.ts";
import type { TextDataOptions } from "../../data/catalog/options.ts";
import { isTablePath } from "../../data/formats/read_table.ts";
import { tablePaths } from "../../data/formats/table_paths.ts";
import { arrayInputIn } from "../../data/schema/arrange_places.ts";
import type { DataSource } from "../../data/schema/data_source.ts";
import { hasNamedColumns } from "../../data/schema/named.ts";
import type { ArrayInput, Schema } from "../../data/schema/schema.ts";
import { textMeaning } from "../../data/text/meaning.ts";
import { readPlainTexts } from "../../data/text/plain_texts.ts";
import type { TextFileOptions } from "../../data/text/text_rows.ts";
import type { PredictInput, PredictOptions } from "../../predict/pieces.ts";
import { dataFrom } from "../options/data.ts";
import { UsageError } from "../options/option.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
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
  const texts = schema && textsOf(schema);
  const { target } = schema ?? {};
  // Columns of labels of this name are found without it.
  const label = texts && target && target.name !== "label" && !isNamedData(flags.data)
    ? { labelColumn: target.name }
    : {};
  const form = schema && flags.sequences === undefined && !isNamedData(flags.data)
    ? sequencesOf(schema)
    : {};
  return await openSource({ ...dataFrom(flags), ...names, ...label, ...form }, signal, texts);
}

/** Returns what a schema says of texts that a tokenizer divides; `undefined` for other data. */
function textsOf(schema: Schema): TextDataOptions | undefined {
  const { tokenizer, shape: [maxTokens = 0] = [] } = arrayInputIn(schema) ?? {};
  return tokenizer === undefined ? undefined : { tokenizerSha256: tokenizer, maxTokens };
}

/** Returns the option for the texts of authors that a schema describes, if it does. */
function sequencesOf(schema: Schema): { readonly sequences?: string } {
  const meaning = textMeaning(schema);
  return meaning ? { sequences: meaning.mode } : {};
}

/** Data to predict for, and what its owner has declared about it. */
export interface InputData extends Pick<PredictOptions, "units"> {
  /** The data. */
  readonly input: PredictInput;
}

/**
 * Reads the data that a command's options name, to predict for: of a data set its test set, where
 * it has one, of a file of texts all of them.
 *
 * @throws {UsageError} If an option does not go with the data.
 */
export async function inputFor(
  flags: Flags<"predict">,
  schema: Schema,
  signal: AbortSignal,
): Promise<InputData> {
  const input = arrayInputIn(schema);
  if (input?.kind === "sequence" && !isNamedData(flags.data)) return await textInput(flags, input);
  const source = await openFor(flags, schema, signal);
  const tables = await source.tables?.();
  if (tables) {
    const { train, test = train, options: { units = {} } } = tables;
    return { input: test, units };
  }
  const { train, test = train } = await source.arrange(schema);
  return { input: test };
}

/** Reads the texts of files, as rows with a field of the name of the model's input. */
async function textInput(flags: Flags<"predict">, { name }: ArrayInput): Promise<InputData> {
  const { data, idColumn } = flags;
  const table = libraryOptions("table", flags);
  const { idColumn: _, ...others } = table;
  const known = ["delimiter", "encoding", "skipRows", "comment"];
  const wrong = Object.keys(others).find((option) => !known.includes(option));
  if (wrong !== undefined) {
    throw new UsageError(`expected texts without the option ${wrong}, got ${data}`);
  }
  const form: TextFileOptions = others;
  const paths = await tablePaths(data) ?? [data];
  const rows = await Promise.all(paths.map(async (path) => {
    const { texts, ids } = await readPlainTexts(path, {
      ...form,
      ...(flags.textColumn !== undefined && { textColumn: flags.textColumn }),
      ...(idColumn !== undefined && { idColumn }),
    });
    return texts.map((text, row) => ({
      ...(idColumn !== undefined && { [idColumn]: ids?.[row] ?? "" }),
      [name]: text,
    }));
  }));
  return { input: rows.flat() };
}
