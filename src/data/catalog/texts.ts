/**
 * Texts with labels as a source of token numbers.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import type { Dataset } from "../dataset.ts";
import { type LabelledTexts, parseLabelledTexts } from "../text/labelled_texts.ts";
import { tokenDataset, type TokenizedTexts } from "../text/token_dataset.ts";
import { TextTokenizer } from "../text/tokenizer.ts";
import { sortNames } from "../schema/names.ts";
import { holdOut } from "../split.ts";
import { dataFolder } from "./data_folder.ts";
import { readFiles } from "./load_named.ts";
import { BANKING77 } from "./named_texts.ts";
import { isNamedData } from "./synthetic_name.ts";
import { labelColumnOf, type Texts, textsAt } from "./text_files.ts";
import { checkNoTest, ofArrays, type OpenedData, TEST_SEED } from "./opened.ts";
import type { LoadDatasetOptions, TableDataOptions } from "./options.ts";

/** Path of the usual tokenizer, in the folder of data sets. */
const USUAL_TOKENIZER = "minilm/tokenizer.json";

/** SHA-256 of the tokenizer of all-MiniLM-L6-v2. */
const USUAL_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037";

/**
 * Opens a data set of texts: BANKING77, files of texts with labels, or a folder with `train` and
 * `test` of such files; with `sites`, a folder in which each file is of one site.
 *
 * @throws {Error} If a file or the tokenizer cannot be read.
 * @throws {RangeError} If an option does not go with texts, or all of them are empty.
 */
export async function openTexts(spec: string, options: LoadDatasetOptions): Promise<OpenedData> {
  if (spec !== BANKING77.name && isNamedData(spec)) {
    throw new RangeError(
      `Cannot use ${spec}: expected texts for a tokenizer (option texts, --tokenizer)`,
    );
  }
  checkTextOptions(spec, options);
  const tokenizer = await openTokenizer(options);
  const { train, test } = spec === BANKING77.name
    ? await banking77(options)
    : await textsAt(spec, options);
  const classes = options.table?.classes ?? sortNames(new Set(train.labels));
  const target = labelColumnOf(options);
  const notes: string[] = [];
  const tokenize = (texts: LabelledTexts, use: string) => {
    const name = `the texts of ${spec} to ${use} on`;
    const tokenized = tokenDataset(texts, {
      tokenizer,
      classes,
      title: name,
      ...(target !== undefined && { target }),
    });
    const { data, emptyTexts } = tokenized;
    if (emptyTexts === data.length) {
      throw new RangeError(`Cannot use ${name}: expected words, got ${emptyTexts} empty texts`);
    }
    notes.push(...notesOf(tokenized, use));
    return data;
  };
  const data = { train: tokenize(train, "train"), ...(test && { test: tokenize(test, "test") }) };
  const { ids, source, isTable } = arraysOf(spec, { ...data, ids: train.ids }, options);
  return {
    isTable,
    classes,
    source: {
      name: source.name,
      ...(ids && { hasIds: true }),
      arrange: async (schema) => {
        if (schema === undefined) checkClasses(spec, train.labels, classes);
        const arranged = await source.arrange(schema);
        return { ...arranged, ...(ids && { ids }), notes: [...arranged.notes, ...notes] };
      },
    },
  };
}

/** Makes a source of tokens, which keeps the ids of the rows where there are some. */
function arraysOf(
  name: string,
  { ids, ...data }: {
    readonly train: Dataset;
    readonly test?: Dataset;
    readonly ids: readonly string[] | undefined;
  },
  options: LoadDatasetOptions,
): OpenedData & { readonly ids?: readonly string[] } {
  const { testShare: share, ...others } = options;
  if (ids === undefined || share === undefined) {
    return { ...ofArrays(name, data, options), ...(ids && { ids }) };
  }
  checkNoTest(name, data, share);
  const rows = holdOut(ids.keys().toArray(), { share, seed: TEST_SEED, index: 0 });
  const { train } = data;
  return {
    ...ofArrays(name, { train: train.select(rows.train), test: train.select(rows.test) }, others),
    ids: Array.from(rows.train, (row) => ids[row] ?? ""),
  };
}

/** Options of tables that texts have as well. */
const KNOWN: ReadonlySet<string> = new Set<keyof TableDataOptions>([
  ...["labelColumn", "idColumn", "target", "classes"] as const,
  ...["delimiter", "encoding", "skipRows", "comment"] as const,
]);

/** Throws a `RangeError` for an option that does not go with texts. */
function checkTextOptions(
  spec: string,
  { standardize = false, sites = false, table = {} }: LoadDatasetOptions,
): void {
  if (sites && spec === BANKING77.name) {
    throw new RangeError(
      `Cannot use ${spec}: expected a folder with a file for each site (--sites)`,
    );
  }
  const name = standardize ? "standardize" : Object.keys(table).find((name) => !KNOWN.has(name));
  if (name === undefined) return;
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new RangeError(
    `Cannot use ${spec}: expected texts without the option ${name} (--${flag}), which does not go with a tokenizer`,
  );
}

/** Fewest different numbers that are taken for measures. */
const MEASURES = 20;

/** Throws a `RangeError` for labels that are measures. */
function checkClasses(
  name: string,
  labels: readonly string[],
  classes: readonly string[],
): void {
  const isMeasured = classes.length > MEASURES && classes.length > labels.length / 2 &&
    classes.every((label) => Number.isFinite(Number(label)));
  if (!isMeasured) return;
  throw new RangeError(
    `Cannot use ${name}: expected classes as labels, got ${classes.length} numbers for ${labels.length} texts`,
  );
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
