/**
 * Texts with labels as a source of token numbers.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import {
  type LabelledTexts,
  parseLabelledTexts,
  readLabelledTexts,
} from "../text/labelled_texts.ts";
import { tokenDataset, type TokenizedTexts } from "../text/token_dataset.ts";
import { TextTokenizer } from "../text/tokenizer.ts";
import { trainAndTestIn } from "../formats/table_paths.ts";
import { sortNames } from "../schema/names.ts";
import { dataFolder } from "./data_folder.ts";
import { readFiles } from "./load_named.ts";
import { BANKING77 } from "./named_texts.ts";
import { isNamedData } from "./synthetic_name.ts";
import { ofArrays, type OpenedData } from "./opened.ts";
import type { LoadDatasetOptions } from "./options.ts";

/** Path of the usual tokenizer, in the folder of data sets. */
const USUAL_TOKENIZER = "minilm/tokenizer.json";

/** SHA-256 of the tokenizer of all-MiniLM-L6-v2. */
const USUAL_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037";

/** Texts to train on, and to test on. */
interface Texts {
  readonly train: LabelledTexts;
  readonly test?: LabelledTexts;
}

/**
 * Opens a data set of texts: BANKING77, a file of texts with labels, or a folder with `train` and
 * `test` of such files.
 *
 * @throws {Error} If a file or the tokenizer cannot be read.
 */
export async function openTexts(spec: string, options: LoadDatasetOptions): Promise<OpenedData> {
  if (spec !== BANKING77.name && isNamedData(spec)) {
    throw new RangeError(
      `Cannot use ${spec}: expected texts for a tokenizer (option texts, --tokenizer)`,
    );
  }
  const tokenizer = await openTokenizer(options);
  const { train, test } = spec === BANKING77.name
    ? await banking77(options)
    : await textsAt(spec, options);
  const classes = sortNames(new Set(train.labels));
  const target = options.table?.labelColumn;
  const notes: string[] = [];
  const tokenize = (texts: LabelledTexts, use: string) => {
    const tokenized = tokenDataset(texts, {
      tokenizer,
      classes,
      ...(typeof target === "string" && { target }),
    });
    notes.push(...notesOf(tokenized, use));
    return tokenized.data;
  };
  const data = { train: tokenize(train, "train"), ...(test && { test: tokenize(test, "test") }) };
  const { source, isTable } = ofArrays(spec, data, options);
  return {
    isTable,
    classes,
    source: {
      name: source.name,
      arrange: async (schema) => {
        const arranged = await source.arrange(schema);
        return { ...arranged, notes: [...arranged.notes, ...notes] };
      },
    },
  };
}

/** Describes what texts to train or to test on have lost. */
function notesOf(
  { data, cutTexts, emptyTexts, unknownTokens }: TokenizedTexts,
  use: string,
): string[] {
  const of = `${data.length} texts to ${use} on`;
  return [
    ...cutTexts > 0 ? [`${cutTexts} of ${of} were cut to ${data.rowLength} tokens`] : [],
    ...emptyTexts > 0 ? [`${emptyTexts} of ${of} are empty`] : [],
    ...unknownTokens > 0 ? [`${unknownTokens} tokens of ${of} are unknown to the tokenizer`] : [],
  ];
}

async function openTokenizer({ texts = {}, dataDir }: LoadDatasetOptions): Promise<TextTokenizer> {
  const { tokenizer, tokenizerSha256: sha256, maxTokens } = texts;
  const limit = maxTokens !== undefined && { maxTokens };
  if (tokenizer !== undefined) {
    return await TextTokenizer.open(tokenizer, {
      ...(sha256 !== undefined && { sha256 }),
      ...limit,
    });
  }
  const path = `${dataFolder(dataDir)}/${USUAL_TOKENIZER}`;
  try {
    return await TextTokenizer.open(path, { sha256: sha256 ?? USUAL_SHA256, ...limit });
  } catch (cause) {
    if (!(cause instanceof runtime.errors.NotFound)) throw cause;
    throw new runtime.errors.NotFound(
      `${errorMessage(cause)}; name the model's tokenizer.json (option tokenizer, --tokenizer)`,
      { cause },
    );
  }
}

async function banking77(options: LoadDatasetOptions): Promise<Texts> {
  const contents = await readFiles(BANKING77, options);
  const columns = { textColumn: "text", labelColumn: "category" };
  const read = (name: string) =>
    parseLabelledTexts(contents.get(name) ?? new Uint8Array(), { name, ...columns });
  return { train: read("train.csv"), test: read("test.csv") };
}

async function textsAt(
  path: string,
  { texts = {}, table }: LoadDatasetOptions,
): Promise<Texts> {
  const { textColumn } = texts, labelColumn = table?.labelColumn;
  if (typeof labelColumn === "number") {
    throw new TypeError(`Cannot use ${path}: expected the name of the column of the labels`);
  }
  const columns = {
    ...(textColumn !== undefined && { textColumn }),
    ...(labelColumn !== undefined && { labelColumn }),
  };
  const one = async (paths: readonly string[]): Promise<LabelledTexts> => {
    const parts = await Promise.all(paths.map((path) => readLabelledTexts(path, columns)));
    return {
      texts: parts.flatMap(({ texts }) => texts),
      labels: parts.flatMap(({ labels }) => labels),
    };
  };
  const tables = await isFolder(path) ? await trainAndTestIn(path) : undefined;
  if (!tables) return { train: await one([path]) };
  return {
    train: await one(tables.train),
    ...(tables.test && { test: await one(tables.test) }),
  };
}

async function isFolder(path: string): Promise<boolean> {
  return (await runtime.files.stat(path).catch(() => undefined))?.isDirectory ?? false;
}
