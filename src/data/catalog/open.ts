/**
 * Sources of data by name or path.
 *
 * @module
 */

import { digits } from "../digits.ts";
import { trainTestSplit } from "../split.ts";
import { BANKING77 } from "./named_texts.ts";
import { NAMED_DATASETS, type NamedDataset } from "./named.ts";
import { ofArrays, type OpenedData } from "./opened.ts";
import type { LoadDatasetOptions } from "./options.ts";
import { isNamedData, isSynthetic } from "./synthetic_name.ts";
import { isNamedText } from "./text_name.ts";

/** Split of the digits: always the same, so that server and clients agree on the test rows. */
const DIGITS_SPLIT = { seed: 0, testCount: 297 };

/** Opens a source of data, and says what it is. */
export async function open(
  spec: string | NamedDataset,
  options: LoadDatasetOptions,
): Promise<OpenedData> {
  checkSequences(spec, options);
  if (typeof spec === "string" && (spec === BANKING77.name || options.texts !== undefined)) {
    const { openTexts } = await import("./texts.ts");
    return await openTexts(spec, options);
  }
  if (spec === "digits") {
    return ofArrays(spec, trainTestSplit(await digits(), DIGITS_SPLIT), options);
  }
  const named = typeof spec === "string" ? NAMED_DATASETS.get(spec) : spec;
  if (named) {
    const { classes, name } = named;
    const { loadNamed } = await import("./load_named.ts");
    return { ...ofArrays(name, await loadNamed(named, options), options), classes };
  }
  const path = spec as string;
  if (isSynthetic(path)) {
    const { syntheticDataset } = await import("./synthetic.ts");
    return ofArrays(path, syntheticDataset(path), options);
  }
  if (isNamedText(path)) {
    const { openNamedSequences } = await import("./open_sequences.ts");
    return await openNamedSequences(path, options);
  }
  if (options.sequences !== undefined) {
    const { openSequences } = await import("./open_sequences.ts");
    return await openSequences(path, path, options.sequences, options);
  }
  // The readers of files are loaded when they are needed.
  const { openPath } = await import("./open_path.ts");
  return await openPath(path, options);
}

/** Throws a `RangeError` for a form of sequences with data that are no texts of authors. */
function checkSequences(
  spec: string | NamedDataset,
  { sequences, texts }: LoadDatasetOptions,
): void {
  if (sequences === undefined) return;
  const name = typeof spec === "string" ? spec : spec.name;
  const isOther = typeof spec !== "string" || isNamedData(spec) && !isNamedText(spec);
  if (!isOther && texts === undefined) return;
  const got = isOther ? name : "a tokenizer (--tokenizer) too";
  throw new RangeError(
    `Cannot use ${name}: expected a file of texts by author with a form of sequences (--sequences), got ${got}`,
  );
}
