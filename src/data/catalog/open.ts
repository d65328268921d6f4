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
import { isSynthetic } from "./synthetic_name.ts";

/** Split of the digits: always the same, so that server and clients agree on the test rows. */
const DIGITS_SPLIT = { seed: 0, testCount: 297 };

/** Opens a source of data, and says what it is. */
export async function open(
  spec: string | NamedDataset,
  options: LoadDatasetOptions,
): Promise<OpenedData> {
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
  // The readers of files are loaded when they are needed.
  const { openPath } = await import("./open_path.ts");
  return await openPath(path, options);
}
